"""What a probe found out about one endpoint, and how it is told to people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumer.inference.profiles import PROFILES, Api


class LongPrompts(StrEnum):
    """What becomes of a prompt that is longer than the smallest usual context."""

    KEPT = "kept"
    REFUSED = "refused"
    CUT = "cut"
    """Judged without the part that did not fit, and no error: worse than a refusal."""
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One probe's findings. None means that it was not tried or could not be told."""

    profile: str
    api: Api
    models: tuple[str, ...]
    """As listed; empty where the server lists none."""
    has_model: bool
    label_for_bad: str
    """Its judgement of a known text, or why there is none."""
    label_for_good: str
    has_schema: bool
    """Whether a schema is sent from now on."""
    obeys_schema: bool | None
    """Whether the answers were nothing but the object asked for."""
    has_reasoning: bool
    """Whether reasoning comes apart from the answer."""
    has_effort: bool
    has_priority: bool
    """Whether priorities are sent from now on."""
    has_logprobs: bool | None
    has_cached_tokens: bool | None
    long_prompts: LongPrompts
    reads_markers: bool | None
    """Whether control tokens in text become real ones. We break them up in any case."""
    left_out: tuple[str, ...] = ()
    """Fields that are asked for by the settings and not sent to this endpoint."""
    has_bounds: bool = False
    """Whether that schema says how long an answer may be."""

    @property
    def judges(self) -> bool:
        """Whether both known texts got the label that they deserve."""
        return (self.label_for_bad, self.label_for_good) == ("THREAT", "SAFE")


class Row(NamedTuple):
    """One line of the table that `doctor` prints."""

    capability: str
    found: str
    meaning: str


def rows(found: Capabilities) -> list[Row]:
    """The findings, for people."""
    profile = PROFILES[found.profile]
    schema = "honoured" if found.obeys_schema else "sent, answers strayed from it"
    return [
        Row(
            "API", found.api, "POST /chat/completions" if found.api == "chat" else "POST /responses"
        ),
        Row(
            "JSON schema",
            schema if found.has_schema else "left out",
            _BOUNDS[found.has_bounds] if found.has_schema else "an example answer is in the prompt",
        ),
        Row(
            "reasoning",
            "apart from the answer" if found.has_reasoning else "none returned",
            f"in {profile.reasoning_field}; for reviewers, never read as a verdict",
        ),
        Row(
            "reasoning effort",
            "accepted" if found.has_effort else "said in the prompt",
            f"policies ask for one of {', '.join(profile.efforts)}",
        ),
        Row("priority", "sent" if found.has_priority else "left out", "who waits in its queue"),
        Row("logprobs", _yes(found.has_logprobs), "for information, they are not used"),
        Row("cached tokens", _yes(found.has_cached_tokens), "what a shared policy saves, counted"),
        Row("long prompts", found.long_prompts, _LONG[found.long_prompts]),
        Row(
            "markers in text",
            _MARKERS[found.reads_markers],
            "control tokens in text are broken up before they are sent",
        ),
        Row("when full", " or ".join(map(str, profile.busy_statuses)), profile.queue or "unknown"),
    ]


def _yes(found: bool | None) -> str:
    return {True: "yes", False: "no", None: "not tried"}[found]


_MARKERS = {True: "read as control tokens", False: "stay text", None: "not tried"}
_BOUNDS = {
    True: "says how long an answer may be; the prompt asks for the format in any case",
    False: "without bounds, which it does not take: a small model may go on to its token limit",
}
_LONG = {
    LongPrompts.KEPT: "counted whole",
    LongPrompts.REFUSED: "an error, so the text is judged in shorter pieces",
    LongPrompts.CUT: "cut without an error: raise the server's context",
    LongPrompts.UNTRIED: "this server refuses what does not fit, or counts no tokens",
}
