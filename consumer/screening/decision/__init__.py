"""
The stage that asks a decision endpoint: what it is asked, the thresholds, and what they rest on.

May import domain, interfaces, errors and the rest of screening; the endpoint itself is passed in.
"""
