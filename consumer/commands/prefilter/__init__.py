"""
The command `prefilter`: make a filter of a topic's own verdicts, and say what it is worth.

May import worker and below.
"""
