"""What judging costs: every call that the server worked for is counted, judged or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.classifier.judge import SegmentLimits
from consumer.domain.verdicts.usage import Tally, Usage
from consumer.domain.verdicts.verdict import Tokens
from consumer.errors import InferenceTimeout, InferenceUnavailable, Overloaded
from consumer.inference.wires.usage import tokens_of
from tests.builders import a_completion, a_policy, a_version
from tests.unit.classifier.test_judge import HandClock, Scripted, World, is_probe

ONE = Tokens(400, 320, 60, 80)
"""What `a_completion` says that it cost."""


def scripted(*answers: str | Exception, **options: Any) -> World:
    """A classifier whose server gives these answers in turn, labels or failures."""
    left: Iterator[str | Exception] = iter(answers)

    async def script(asked: dict[str, Any], timeout_s: float) -> bytes:
        if is_probe(asked):
            return a_completion('{"label":"SAFE"}')
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return a_completion(f'{{"label":"{answer}"}}')

    return World(Scripted(script), clock=HandClock(), **options)


async def test_a_judgement_at_once_is_one_call() -> None:
    world = scripted("HH2")
    assert (await world.judge()).usage == Usage(1, 0, ONE)


async def test_an_answer_that_cannot_be_read_is_paid_for() -> None:
    """The verdict's judgement shows the last call alone; the usage has both."""
    world = scripted("HH9", "HH2")
    judged = await world.judge()
    assert judged.judgements[0].tokens == ONE
    assert judged.usage == Usage(2, 1, ONE + ONE, ONE)


async def test_an_unjudged_message_says_what_it_cost() -> None:
    world = scripted("HH9", "HH9", "HH9")
    judged = await world.judge()
    assert judged.judgements == ()
    assert judged.usage == Usage(3, 3, ONE + ONE + ONE, ONE + ONE + ONE)


async def test_a_call_that_ran_out_of_time_counts_and_its_tokens_are_unknown() -> None:
    world = scripted(InferenceTimeout(), "HH2")
    assert (await world.judge()).usage == Usage(2, 1, ONE)


@pytest.mark.parametrize("failure", [Overloaded(), InferenceUnavailable()])
async def test_a_call_that_was_refused_or_never_arrived_costs_nothing(failure: Exception) -> None:
    """An outage or a busy server must not spend a budget."""
    world = scripted(failure, "HH2")
    assert (await world.judge()).usage == Usage(1, 0, ONE)


async def test_every_policy_and_every_piece_of_a_long_text_is_a_call() -> None:
    """Two policies, four pieces: eight calls and the tokens of eight."""
    version = a_version(a_policy(name="one"), a_policy(name="two"))
    world = scripted(*["HH0"] * 8, cut=SegmentLimits(200, 0, 8))
    judged = await world.judge("word " * 160, version=version)
    assert judged.usage.calls == 8
    assert judged.usage.tokens == Tokens(*(8 * count for count in ONE))
    assert judged.usage.billed_tokens == 8 * 480


def test_the_words_of_the_responses_api_are_known_too() -> None:
    usage = {
        "input_tokens": 9,
        "output_tokens": 7,
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    assert tokens_of(orjson.dumps({"usage": usage})) == Tokens(9, 5, 3, 7)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["prompt_tokens", "prompt_tokens_details", "cached_tokens", "usage"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_a_usage_of_any_shape_is_tokens(usage: object) -> None:
    """Servers write what they like there: nothing but whole numbers above 0 counts."""
    assert all(count >= 0 for count in tokens_of(orjson.dumps({"usage": usage})))
    assert all(count >= 0 for count in tokens_of(orjson.dumps(usage)))
    assert tokens_of(b"{") == Tokens()


def test_a_tally_prints_itself() -> None:
    tally = Tally()
    tally.failed(ONE)
    assert "calls 1, unread 1" in repr(tally)
