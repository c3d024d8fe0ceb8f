"""Deliberate bugs: each is put back once, and some test must see it."""
