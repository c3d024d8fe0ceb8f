"""The project's tests; the folder of a test is its level."""
