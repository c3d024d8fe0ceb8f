"""
The only place that imports the Kafka library, but for the embedded broker in `dev`.

`source` takes records as a member of the group, `sink` stores what we publish, `reader` reads
topics outside the group, `cluster` asks the brokers. What all of them need lies here: the client's
properties, what its errors mean, and records as we know them. May import interfaces, domain,
errors and telemetry.
"""
