"""What the demo shows and what is typed at it."""
