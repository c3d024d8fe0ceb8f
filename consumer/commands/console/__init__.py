"""Console: the command that serves the reviewers' pages, and those that let people in."""
