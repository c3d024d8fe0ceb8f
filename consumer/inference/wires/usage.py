"""What an answer cost, readable or not: its tokens were spent all the same. Pure."""

from __future__ import annotations

import orjson

from consumer.domain.verdicts.usage import Tally
from consumer.domain.verdicts.verdict import NO_TOKENS, Tokens
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
    """What the `usage` of an answer says, in either API's words; 0 for what it does not say."""
    try:
        usage = orjson.loads(body)["usage"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return NO_TOKENS
    chat, response = read_tokens(usage), read_tokens(usage, "input_tokens", "output_tokens")
    return Tokens(*(one or other for one, other in zip(chat, response, strict=True)))


def read_tokens(
    usage: object, prompt: str = "prompt_tokens", completion: str = "completion_tokens"
) -> Tokens:
    """The `usage` of an answer, by the names that its API has for the two kinds."""
    if not isinstance(usage, dict):
        return NO_TOKENS
    of_prompt, of_completion = usage.get(prompt + "_details"), usage.get(completion + "_details")
    return Tokens(
        _count(usage.get(prompt)),
        _count(of_prompt.get("cached_tokens")) if isinstance(of_prompt, dict) else 0,
        _count(of_completion.get("reasoning_tokens")) if isinstance(of_completion, dict) else 0,
        _count(usage.get(completion)),
    )


def _count(value: object) -> int:
    # A boolean is an integer, too, and no count.
    return value if type(value) is int and value > 0 else 0
