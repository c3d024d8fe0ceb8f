"""What is asked of an endpoint beside the prompt: what it takes, and what a retry varies. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

from consumer.inference.profiles import GENERIC, Api, Profile

SCHEMA_BOUNDS = "schema_bounds"
"""What may be left out of the schema before all of it is; no field of a request has that name."""
SHORT_EFFORT = "low"
"""The effort that has a room of its own."""


class Spoken(NamedTuple):
    """What the system message says itself, where the request to an endpoint has no field for it."""

    effort: bool = False
    """How long to reason, in the words that gpt-oss was trained on."""
    example: bool = False
    """A filled-in answer, where no schema binds it."""


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """What is asked of the endpoint beside the prompt; optional fields are left out when None."""

    model: str
    tokens_max: int = 4_096
    """Room for reasoning and answer together. Too little loses verdicts: 1 in 100 needs 1,600."""
    tokens_max_low: int | None = None
    """The same where the effort is low and reasoning short; None is no other room."""
    temperature: float | None = 0.0
    seed: int | None = 7
    with_effort: bool = True
    with_schema: bool = True
    with_bounds: bool = True
    """Whether the schema says how long an answer may be; only where a probe saw it accepted."""
    api: Api = "chat"
    with_priority: bool = False
    """Only where a probe saw it accepted: other servers answer with an error."""
    profile: Profile = GENERIC
    """What the server is known for; the wires heed what of it changes a request."""
    spoken: Spoken = field(init=False, repr=False, compare=False)
    """What the prompt says, since the request does not. Like the hash it is asked for with every
    call, so both are made once."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spoken = Spoken(effort=not self.with_effort, example=not self.with_schema)
        object.__setattr__(self, "spoken", spoken)
        values = (getattr(self, each.name) for each in fields(self) if each.compare)
        object.__setattr__(self, "_hash", hash(tuple(values)))

    def __hash__(self) -> int:
        return self._hash

    def without(self, field: str) -> RequestFormat:
        """The same without one optional field, named as in the request."""
        changes: dict[str, dict[str, object]] = {
            "response_format": {"with_schema": False},
            SCHEMA_BOUNDS: {"with_bounds": False},
            "reasoning_effort": {"with_effort": False},
            "temperature": {"temperature": None},
            "seed": {"seed": None},
            "priority": {"with_priority": False},
        }
        return replace(self, **changes[field])  # type: ignore[arg-type]

    def for_retry(self, attempt: int, *, was_truncated: bool) -> RequestFormat:
        """
        The format of a later attempt: another seed and the model's own temperature.

        The same request again would get the same faulty answer; after a truncated one there is
        also twice the room.
        """
        times = 2 if was_truncated else 1
        return replace(
            self,
            temperature=None if self.temperature is None else max(self.temperature, 1.0),
            seed=None if self.seed is None else self.seed + attempt,
            tokens_max=self.tokens_max * times,
            tokens_max_low=self.tokens_max_low and self.tokens_max_low * times,
        )

    def room(self, effort: str) -> int:
        """How many tokens an answer may take that is reasoned so long, reasoning included."""
        if effort != SHORT_EFFORT or self.tokens_max_low is None:
            return self.tokens_max
        return min(self.tokens_max, self.tokens_max_low)
