"""
`safeguard demo`: the real worker on stand-ins, for a minute, on one screen.

May import the worker and everything below it.
"""
