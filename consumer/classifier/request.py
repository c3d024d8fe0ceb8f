"""The request for a judgement: the prompt of a policy, framed as an endpoint takes it. Pure."""

from __future__ import annotations

from functools import lru_cache

from consumer.classifier.prompt import answer_schema, system_message
from consumer.domain.policy import Policy
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.frame import Frame, Prompt


def request_body(
    policy: Policy, user: str, format: RequestFormat, priority: int | None = None
) -> bytes:
    """The request about `user`, the wrapped text, under `policy`; see `Frame.around`."""
    return frame_of(policy, format).around(user, format, priority)


@lru_cache(maxsize=4_096)
def frame_of(policy: Policy, format: RequestFormat) -> Frame:
    """What all requests under a policy have in common, kept."""
    prompt = Prompt(
        system=system_message(policy, format.spoken),
        effort=policy.effort.value,
        schema_name="judgement",
        schema=answer_schema(policy, format.with_bounds),
    )
    return WIRES[format.api].frame(prompt, format)
