"""Retry, breaker and dead letters: deciding only. May import interfaces, domain and errors."""
