"""The commands that work with dead letters; imports `app` and below, as `doctor` does."""
