"""Streaming moderation: Kafka in, verdicts out, judged against written policies."""

__version__ = "0.2.0"
