"""`topic.toml`: a file for each of its tables, and `file` for the whole."""
