"""
Records: what people and reviewers write to topics, and what is read from there for reviewers. Pure.

What others write is read tolerantly, what we write is closed; schemas of both are in deploy/.
"""
