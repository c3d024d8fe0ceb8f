"""The stage that asks a decision endpoint: what it settles, and all that it leaves to the model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.domain.messages.context import ContextTerms
from consumer.domain.messages.message import Position
from consumer.domain.policy import Outcome
from consumer.domain.screening import AuthorTerms, MemoTerms
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened
from consumer.interfaces import Probabilities
from consumer.screening.audits.note import AuditNote
from consumer.screening.inquiry import TextInquiry
from consumer.screening.screener import Screener
from consumer.telemetry.metrics import Metrics
from tests.builders import a_judgement, a_message
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.decision.stage import HandDecider, named, ready
from tests.unit.screening.saying import said_of

TEXT = "see you at the garden"


class Post:
    """A screener whose topic has the stage on, or as `changes` say."""

    def __init__(self, folder: Path, say: Any = None, **changes: Any) -> None:
        binding = named(folder, floor=changes.pop("floor", 0.02))
        screening = replace(
            binding.screening,
            memo=changes.pop("memo", None),
            authors=changes.pop("authors", None),
        )
        self.binding = replace(binding, screening=screening, **changes)
        self.decider = HandDecider(say)
        self.filters = ready(self.decider, self.binding)
        self.clock = HandClock()
        self.screener = Screener(self.clock, self.filters)

    def screen(self, offset: int = 0, text: str = TEXT, **changes: Any) -> object:
        message = a_message(text, position=Position("chat", 1, offset), **changes)
        return said_of(self.screener, message, self.binding)

    async def said(self, offset: int = 0, text: str = TEXT, **changes: Any) -> Judged | None:
        """What the stage settles; None where the model is asked."""
        inquiry = self.screen(offset, text, **changes)
        if inquiry is None:
            return None
        assert isinstance(inquiry, TextInquiry)
        # It waits for nobody else's answer: copies of an audited text would hang here.
        return await asyncio.wait_for(inquiry.elsewhere(), 5)


async def test_what_is_surely_below_every_threshold_is_allowed(tmp_path: Path) -> None:
    """Its verdict names stage and file, how near the text came, and the audit's probability."""
    post = Post(tmp_path)
    found = await post.said()
    assert found is not None
    assert (found.cause, found.settled, found.judgements) == (Cause.DECISION, Outcome.ALLOW, ())
    assert found.screened is not None
    (deciding,) = post.filters.in_use()
    score = found.screened.score
    assert found.screened == Screened(Cause.DECISION, score, deciding.digest, 0.02)
    assert score == pytest.approx(0.01 / 0.4)
    assert [note.settled for note in deciding.take_counts()] == [1]


@pytest.mark.parametrize(
    "said",
    [
        "no answer within 1.0 s",
        Probabilities((None,), "d"),
        Probabilities((), "d"),
        Probabilities((0.0, 0.0), "d"),
        Probabilities((0.4,), "d"),
        Probabilities((0.99,), "d"),
        Probabilities((0.01,), "another model"),
    ],
)
async def test_anything_else_is_for_the_model(tmp_path: Path, said: Probabilities | str) -> None:
    """A failure, a refusal, an answer too few or too many, the threshold itself, another model."""
    post = Post(tmp_path, lambda text: said)
    assert await post.said() is None
    assert len(post.decider.asked) == 1


@pytest.mark.parametrize("event", ["edit", "delete"])
async def test_what_changes_an_earlier_message_is_not_asked_about(
    tmp_path: Path, event: str
) -> None:
    post = Post(tmp_path)
    assert await post.said(event=event) is None
    assert post.decider.asked == []


async def test_neither_is_what_comes_with_context_or_looks_disguised(tmp_path: Path) -> None:
    post = Post(tmp_path)
    assert await post.said(0, TEXT + " " + "aGVsbG8gd29ybGQgaGVsbG8=" * 3) is None
    assert await Post(tmp_path, context=ContextTerms()).said() is None
    assert post.decider.asked == []


async def test_whom_the_draw_finds_the_model_is_asked_about_too(tmp_path: Path) -> None:
    """By position and salt, so the same ones each time; the note says what the model said."""
    post = Post(tmp_path, floor=0.3, memo=MemoTerms())
    notes: list[AuditNote] = []

    async def keep(note: AuditNote) -> None:
        notes.append(note)

    post.filters.post = keep
    first = [await post.said(at) is not None for at in range(200)]
    again = [await Post(tmp_path, floor=0.3).said(at) is not None for at in range(50)]
    assert first[:50] == again
    assert 100 < sum(first) < 180
    one, other = [at for at, is_settled in enumerate(first) if not is_settled][:2]
    inquiry, copy = post.screen(one), post.screen(other)
    assert isinstance(inquiry, TextInquiry)
    assert isinstance(copy, TextInquiry)
    assert await inquiry.elsewhere() is None
    assert await asyncio.wait_for(copy.elsewhere(), 5) is None
    assert inquiry.screened is not None
    assert inquiry.screened.audit_probability == 0.3
    flagged = Judged((a_judgement("HH2"),))

    async def once_more() -> Judged:
        return flagged

    await inquiry.answered(flagged, once_more)
    assert [(note.kind, note.is_settled, note.probability) for note in notes] == [
        ("positive", True, 0.3)
    ]


async def test_an_alarm_while_it_is_asked_leaves_the_message_to_the_model(tmp_path: Path) -> None:
    post = Post(tmp_path)

    def say(text: str) -> Probabilities:
        post.filters.heed_writing(is_possible=False)
        return Probabilities((0.01,), "d")

    post.decider.say = say
    assert await post.said() is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"off": "not here: /systemone answers with status 501"}, "is out: not here"),
        ({"model": "e"}, "were fitted for the decision model 'd' and 'e' is asked"),
        ({"wire": "systemone"}, "the decision wire 'decisions' and 'systemone' is asked"),
    ],
)
async def test_another_endpoint_than_was_fitted_settles_nothing(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    post = Post(tmp_path)
    for name, value in change.items():
        setattr(post.decider, name, value)
    post.filters.heed_voice(["m1"], lambda _: "t1")
    assert await post.said() is None
    assert post.decider.asked == []
    (off,) = post.filters.standing().values()
    assert off is not None
    assert said in off


async def test_whose_text_was_not_allowed_lately_is_left_to_the_model(tmp_path: Path) -> None:
    """For so long as the topic says; others are settled as ever."""
    post = Post(tmp_path, authors=AuthorTerms(for_s=60.0))
    first = post.screen(author="ann")
    assert isinstance(first, TextInquiry)
    first.heard(Judged((a_judgement("HH2"),)), "v1")
    assert await post.said(author="ann") is None
    assert post.decider.asked == []
    assert await post.said(author="bob") is not None
    assert await post.said() is not None
    post.clock.now += 61.0
    assert await post.said(author="ann") is not None


async def test_each_call_is_counted_by_what_came_of_it(tmp_path: Path) -> None:
    """With its seconds; what is not asked about is not counted, and who is drawn is settled."""
    answers: dict[str, Probabilities | str] = {
        "near": Probabilities((0.99,), "d"),
        "refused": Probabilities((None,), "d"),
        "slow": "no answer within 1.0 s",
        "other": Probabilities((0.01,), "another model"),
    }
    fine = Probabilities((0.01,), "d")
    post = Post(tmp_path, lambda text: answers.get(text.split()[-1], fine), floor=0.3)
    metrics = Metrics()
    post.filters.metrics = metrics
    for offset in range(20):
        await post.said(offset)
    for word in answers:
        await post.said(0, f"see you at the {word}")
    await post.said(0, TEXT + " " + "aGVsbG8gd29ybGQgaGVsbG8=" * 3)
    assert {
        result: metrics.registry.get_sample_value(
            "safeguard_decision_calls_total",
            {"policy_version": post.binding.live.id, "result": result},
        )
        for result in ("settled", "asked", "refused", "error")
    } == {"settled": 20, "asked": 1, "refused": 1, "error": 2}
    assert metrics.registry.get_sample_value("safeguard_decision_seconds_count") == 24
