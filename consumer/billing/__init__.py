"""
Billing: what verdicts say that judging cost, added up, and what that is in money.

Pure sums over records that somebody else reads; imports domain and errors, and knows no broker.
"""
