"""Whose fault it is that an answer is no judgement, told from what servers and models say."""
