"""Review: what reviewers do at a terminal or from a script, and the feed that brings them cases."""
