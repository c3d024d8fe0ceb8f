"""Versions: one file for each change to the tables, never changed once released."""
