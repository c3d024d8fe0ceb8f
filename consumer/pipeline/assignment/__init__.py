"""One partition during one assignment: what is done, and what earlier owners did with it."""
