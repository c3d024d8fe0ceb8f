"""
Audit: what became of each record of an input, proved from what lies on the topics afterwards.

`auditor` reads the topics; the rest is accounting over an index on disk and knows no broker.
"""
