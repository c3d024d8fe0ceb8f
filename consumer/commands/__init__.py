"""
What each command does, a file or a folder for each; `terminal` shows results and progress.

May import the worker's wiring and everything below; the command line (`cli`) only reads the words.
"""
