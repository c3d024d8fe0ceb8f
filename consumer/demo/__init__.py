"""
`safeguard demo`: the real worker on stand-ins, for a minute, on one screen.

May import app and everything below it, `dev` included.
"""
