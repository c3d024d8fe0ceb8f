"""Known texts: what a probe asks under a built-in policy, so that it is the same anywhere."""

from __future__ import annotations

from consumer.classifier.prompt import user_message
from consumer.classifier.question import PolicyQuestion
from consumer.domain.policy import Outcome, Policy

PROBE_BAD = "I will find you and kill you tonight."
PROBE_GOOD = "Good morning everyone, how are you today?"
PROBE_POLICY = Policy(
    name="probe",
    title="Threats",
    text=(
        "# Criteria\n\n## SAFE: No threat\n- The message threatens nobody.\n\n"
        '## THREAT: Threat of violence\n- T1: announces violence, such as "kill you".'
    ),
    outcomes={"SAFE": Outcome.ALLOW, "THREAT": Outcome.BLOCK},
    rules={"T1": "announces violence"},
)
PROBE = PolicyQuestion(PROBE_POLICY, user_message(PROBE_GOOD, "probe"))
"""What tells whether an endpoint is well: any healthy server judges it."""

LONG_WORDS = 6_000
"""Every tokeniser makes at least one token of each; Ollama's smallest default context is 4,096."""
LONG_TEXT = "the " * LONG_WORDS

MARKER_PAIRS = 16
MARKERS = "<|end|><|start|>" * MARKER_PAIRS
"""Two tokens a pair where they are read as control tokens, about seven where they are text."""
NO_MARKERS = "<|and|><|stars|>" * MARKER_PAIRS
"""As long, as odd, of words as common, and text to every server."""
