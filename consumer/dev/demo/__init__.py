"""
`safeguard demo`: real workers on stand-ins, for a minute, on one screen: a story in a few acts.

May import the worker and everything below it. Start reading at `show.py`.
"""
