"""
From record to committed verdict; start reading at `process.py`, then `intake.py`.

May import domain, errors, interfaces and telemetry. Names neither Kafka nor HTTP.
"""
