"""How many calls go out at once, who waits, how long, and when a second call is worth it."""
