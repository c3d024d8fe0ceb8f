"""Logs, metrics and health. May import interfaces, domain and errors; knows no user text."""
