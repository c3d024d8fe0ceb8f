"""
Prefilter: a filter of a topic's own verdicts, certified on the last of them, and what it is worth.

`traffic` reads the topics and `training` writes the file; the rest is sums and pages.
"""
