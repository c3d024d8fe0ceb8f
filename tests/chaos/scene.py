"""Scene: the topics, the policy, and the settings of the workers, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TOPIC = "chaos.in"
OUTPUTS = tuple(f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "dead-letter"))
GROUP = "chaos"
SESSION_S = 10
HEARTBEAT_S = 1.0
DRAIN_S = 5.0
FLIPS = 0.07
"""Share of answers that another call for the same text would not give."""
LATENCY_S = (0.035, 0.060)
"""Median and 95th percentile of one answer."""

BROKER: Mapping[str, str] = {
    "group.consumer.session.timeout.ms": str(SESSION_S * 1_000),
    "group.consumer.heartbeat.interval.ms": str(int(HEARTBEAT_S * 1_000)),
}
"""KIP-848 has the session at the broker."""

STAMPED: Mapping[str, str] = {"message.timestamp.type": "LogAppendTime"}
"""Outputs say when a verdict was stored: the audit of the order across topics needs it."""

POLICY = """---
title: Words
labels:
  FINE: allow
  DOUBT: flag
  BANNED: block
rules:
  R1: says the first word
  R2: says the second word
---
# Criteria
## FINE: Nothing below applies
- Everything else.
## DOUBT: To be looked at
- R1: says "doubtful thing".
## BANNED: Not wanted
- R2: says "banned thing".
"""

TEXTS = ("good morning {}", "a doubtful thing {}", "a banned thing {}")


def write_policies(folder: Path) -> Path:
    """One set with one policy that the stand-in decides by its words."""
    version = folder / "set" / "v1"
    version.mkdir(parents=True, exist_ok=True)
    (folder / "set" / "topic.toml").write_text(
        f'topics = ["{TOPIC}"]\nlive = 1\nstart = "earliest"\n'
    )
    (version / "words.md").write_text(POLICY)
    return folder


def settings(bootstrap_servers: str, endpoint: str, policies: Path, protocol: str) -> str:
    """The workers' settings as TOML: a short session, and a lease that fits into it."""
    # With KIP-848 the client may not say how often it is heard.
    beats = f', "heartbeat.interval.ms" = {int(HEARTBEAT_S * 1_000)}'
    # Uncompressed, a handful of verdicts is more than outputs take whose limit was lowered.
    client = f'"compression.type" = "none"{beats if protocol == "classic" else ""}'
    return f"""
[kafka]
bootstrap_servers = "{bootstrap_servers}"
group = "{GROUP}"
group_protocol = "{protocol}"
session_timeout_s = {SESSION_S}
message_timeout_s = 3
request_timeout_s = 1.5
lease_margin_s = 0.5
clock_skew_s = 0.3
topics_refresh_s = 2
client = {{ {client} }}
[inference]
endpoint = "{endpoint}"
model = "stand-in-safeguard"
calls_max = 64
probe_every_s = 0.2
[pipeline]
in_flight_max = 96
commit_every_s = 0.2
drain_s = {DRAIN_S}
[policies]
folder = "{policies}"
watch = false
[telemetry]
health_port = 0
log_format = "json"
"""
