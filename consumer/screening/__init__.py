"""
What need not reach the model, and how it is shown that little is missed.

May import domain, errors, interfaces and telemetry. Names neither Kafka nor HTTP.
"""
