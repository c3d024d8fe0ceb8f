"""
Near-duplicates: bursts of almost equal texts, what they share, and how alike two texts are.

May import domain, and `texts`. Kept in memory alone.
"""
