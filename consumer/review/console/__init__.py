"""
Console: the reviewers' web pages, on a server of their own.

What they show and do is computed by the same functions as the commands. Settings are passed in.
"""
