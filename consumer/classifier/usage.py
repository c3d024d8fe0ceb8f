"""
What an answer cost that is no judgement: its tokens were spent all the same. Pure.

Only such answers come here; of one that can be read the parser has taken them on the way.
"""

from __future__ import annotations

import orjson

from consumer.domain.usage import Tally
from consumer.domain.verdict import NO_TOKENS, Tokens
from consumer.errors import InferenceTimeout, ModelFault, Retryable


def count_failed(error: Retryable, tally: Tally) -> None:
    """
    Count a call that gave no judgement, where the server has worked for it or may have.

    One that it refused, or that never reached it, cost nothing.
    """
    if isinstance(error, ModelFault):
        tally.failed(Tokens(*error.tokens))
    elif isinstance(error, InferenceTimeout):
        tally.failed(NO_TOKENS)


def tokens_of(body: bytes) -> Tokens:
    """
    What the `usage` of an answer says, in either API's words; 0 for what it does not say.

    Chat completions speak of prompt and completion, Responses of input and output.
    """
    try:
        usage = orjson.loads(body)["usage"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return Tokens()
    return Tokens(
        prompt=_count(usage, "prompt_tokens") or _count(usage, "input_tokens"),
        cached=_count(usage, "prompt_tokens_details", "cached_tokens")
        or _count(usage, "input_tokens_details", "cached_tokens"),
        reasoning=_count(usage, "completion_tokens_details", "reasoning_tokens")
        or _count(usage, "output_tokens_details", "reasoning_tokens"),
        completion=_count(usage, "completion_tokens") or _count(usage, "output_tokens"),
    )


def _count(found: object, *names: str) -> int:
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
