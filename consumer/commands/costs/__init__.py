"""
Costs: what verdicts say that judging cost, added up, and what that is in money.

`costs` reads the topics; the rest is sums over records that somebody else reads.
"""
