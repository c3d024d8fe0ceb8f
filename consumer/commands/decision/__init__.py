"""
What `safeguard decision` does: thresholds for a decision endpoint, fitted and checked.

May import everything that commands may; what it works out is `screening/decision`'s.
"""
