"""
What the filter settles is looked at by sample: who is drawn, what that shows, and the alarm.

May import domain and errors. Pure but for `salt.py`, which reads a file at the start.
"""
