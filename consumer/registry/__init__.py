"""
Policies as files: `policies/<set>/topic.toml` and `policies/<set>/v<N>/<policy>.md`.

Loads them whole or not at all, names every fault by file and line, and keeps the last good set. May
import domain, errors, interfaces and telemetry.
"""
