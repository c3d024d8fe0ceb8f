"""
Audit: what became of each record of an input, proved from what lies on the topics afterwards.

Pure accounting over an index on disk; imports domain and errors, and knows no broker.
"""
