"""Scene: the topics, the policy, what is settled before the model, and the workers' settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from consumer.classifier.prompt import template_of
from consumer.domain.screening import FilterTerms
from consumer.registry.load import load_catalogue
from consumer.screening.prefilter.artefact import write_artefact
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import of_words

TOPIC = "chaos.in"
OUTPUTS = tuple(f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "dead-letter"))
GROUP = "chaos"
MODEL = "stand-in-safeguard"
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
AGAIN = [text.format("everybody") for text in (*TEXTS, "a banned thing again for")]
"""Said over and over: one answer of the model holds for a while."""
BURST = "come all of you and do a banned thing tonight {}"
"""Nearly the same each time: a burst shares its verdict."""
LISTED = "good morning raid.example {}"
"""On a list: blocked without the model, which would allow it."""
KNOWN = "good morning a thing come all of you and do tonight again for everybody".split()  # noqa: SIM905
"""Words that the filter has seen; what it settles of these messages is "good morning"."""
TOPIC_TOML = f'''topics = ["{TOPIC}"]
live = 1
start = "earliest"
'''
SCREENING_TOML = """
[screening.near_duplicates]
authors_max = 20
[[screening.lists]]
file = "raid.txt"
outcome = "block"
match = "anywhere"
[screening.prefilter]
file = "chaos.prefilter"
salt_file = "salt"
recall = 0.95
floor = 0.1
"""


def text_of(number: int, dice: Random) -> str:
    """A message's text: most are of their own, the others are what the early stages are for."""
    kind = dice.random()
    if kind < 0.15:
        return dice.choice(AGAIN)
    if kind < 0.25:
        return BURST.format(number)
    if kind < 0.3:
        return LISTED.format(number)
    return dice.choice(TEXTS).format(number)


def write_policies(folder: Path) -> Path:
    """One set with one policy that the stand-in decides by its words; every stage is on."""
    own = folder / "set"
    for name in ("v1", "lists", "filters"):
        (own / name).mkdir(parents=True, exist_ok=True)
    (own / "topic.toml").write_text(TOPIC_TOML)
    (own / "v1" / "words.md").write_text(POLICY)
    (own / "lists" / "raid.txt").write_text("raid.example\n")
    (own / "salt").write_bytes(SALT)
    (binding,) = load_catalogue(folder).bindings
    artefact = of_words(
        KNOWN,
        {"doubtful": 8.0, "banned": 8.0},
        version=binding.live.id,
        version_digest=binding.live.digest,
        model=MODEL,
        template=template_of(binding),
    )
    write_artefact(own / "filters" / "chaos.prefilter", artefact)
    (own / "topic.toml").write_text(TOPIC_TOML + SCREENING_TOML)
    return folder


def filter_of(policies: Path) -> FilterTerms:
    """The filter that the set names."""
    (binding,) = load_catalogue(policies).bindings
    terms = binding.screening.prefilter
    assert terms is not None
    return terms


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
model = "{MODEL}"
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
