"""
The only place that imports the Kafka library, but for the embedded broker in `dev`.

`source` takes records as a member of the group, `sink` publishes; `reader` reads topics to their
end outside the group, `writer` stores what a command must have stored, `table` follows a compacted
topic. May import interfaces, domain, errors and telemetry.
"""
