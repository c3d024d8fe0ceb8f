"""
The only place that imports the Kafka library.

May import interfaces, domain, errors and telemetry.
"""
