"""
Evaluate: judges texts whose verdict is known, and texts made to change it.

`evaluator` asks the endpoints; the rest is cases, attacks and scores, and knows domain alone.
"""
