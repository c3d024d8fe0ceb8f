"""What becomes of a message: judgements, the one rule from them to an outcome, the verdict."""
