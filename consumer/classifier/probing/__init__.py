"""What an endpoint can do, found out by a handful of questions."""
