"""A real browser, a console in a process of its own, and axe, which finds what shuts people out."""
