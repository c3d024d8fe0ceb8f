"""
How texts are read for matching: normalised, and whether they hide what they say.

May import nothing of ours. Pure.
"""
