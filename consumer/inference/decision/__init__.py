"""
The decision endpoint: how likely statements about a text are true, without any generated text.

May import transports, wires, the breaker and interfaces; it knows nothing of policies.
"""
