"""A real data set through the real parts, read back and counted."""
