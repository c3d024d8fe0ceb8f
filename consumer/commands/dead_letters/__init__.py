"""Dead letters: looked at, sent again, discarded; a letter read back, and which ones are meant."""
