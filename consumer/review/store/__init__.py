"""
Store: cases, the outbox and the log of who did what, in SQLite or PostgreSQL by the same code.

Kafka stays the record of truth: facts can be read anew from the topics.
"""
