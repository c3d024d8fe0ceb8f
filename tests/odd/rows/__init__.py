"""The rows, a file for each meaning: whole answers, and what is right for each."""
