"""
Are the scores true? Texts are judged by a stand-in that contradicts itself as real models do.

`python -m tests.servers.calibration` prints a reliability table and writes build/calibration.json.
The truth comes from what was counted in public logs (`consumer.dev.safeguard.distributions`), never
from the table that the scores begin with; texts are asked about once more than the product asks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from consumer.classifier.asking.patience import Patience
from consumer.classifier.confidence.looks import Looks
from consumer.classifier.prompt import user_message
from consumer.classifier.question import PolicyQuestion
from consumer.dev.safeguard.behaviour import Behaviour, Dice
from consumer.dev.safeguard.judge import text_of
from consumer.domain.policy import Look, Policy, SecondLookTerms
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.transports.reply import Reply
from consumer.telemetry.telemetry import Telemetry
from tests.builders import a_policy, an_answer, an_endpoint

TEXTS = 6_000
SHARES = (0.01, 0.05, 0.2, 1.0)
GROUPS = 10
"""Groups of equal size that answers are sorted into by their score."""
FILE = Path("build/calibration.json")


class Case(NamedTuple):
    """One text: what was said of its judgement, and whether that came true."""

    first_score: float
    first_was_repeated: bool
    """Whether the answer that nobody was told of had the label of the first look."""
    score: float
    was_repeated: bool
    """The same of the label that stands in the end."""
    is_calibrated: bool
    has_look: bool


class Model:
    """A transport without a network: answers as the dice say, and counts what it was asked."""

    def __init__(self, seed: int, profile: str = "groq-20b-flips") -> None:
        self._dice = Dice(Behaviour(profile=profile, seed=seed))
        self.calls = 0

    def answer(self, text: str) -> tuple[str, int]:
        """A label, and the tokens of the reasoning that led to it."""
        found = self._dice.generation(text)
        right = "HH2" if text.endswith("1") else "HH0"
        label = self._dice.label(right, ("HH0", "HH2"), found.wrong_rate)
        return label, found.reasoning_tokens or 0

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        self.calls += 1
        label, tokens = self.answer(text_of(orjson.loads(body)["messages"][1]["content"]))
        message = {"role": "assistant", "content": an_answer(label, rules=[])}
        completion = {
            "choices": [{"message": message, "finish_reason": "stop"}],
            "usage": {"completion_tokens_details": {"reasoning_tokens": tokens}},
        }
        return Reply(200, {}, orjson.dumps(completion))

    async def get(self, path: str, timeout_s: float) -> Reply:
        raise NotImplementedError

    async def close(self) -> None: ...


class Run(NamedTuple):
    """What became of all texts of one run."""

    cases: list[Case]
    looks_most_ahead: float
    """The most looks that there ever were beyond `share` times the answers so far."""

    @property
    def looks(self) -> int:
        return sum(case.has_look for case in self.cases)


async def run(
    share: float, *, seed: int = 1, texts: int = TEXTS, model: Model | None = None
) -> Run:
    """Judge texts with second looks for a share of them, and ask about each once more."""
    model = model or Model(seed)
    policy = replace(a_policy(), second_look=SecondLookTerms(share, Look.SAMPLES, 1))
    telemetry = Telemetry()
    endpoint = an_endpoint(model, telemetry=telemetry)
    looks = Looks(Fleet([endpoint], telemetry), telemetry)
    cases: list[Case] = []
    looked_at, most_ahead = 0, 0.0
    for number in range(texts):
        case = await _case(policy, f"seed {seed}, text {number}", endpoint, looks, model)
        cases.append(case)
        looked_at += case.has_look
        most_ahead = max(most_ahead, looked_at - share * len(cases))
    return Run(cases, most_ahead)


async def _case(policy: Policy, text: str, endpoint: Endpoint, looks: Looks, model: Model) -> Case:
    question = PolicyQuestion(policy, user_message(text, "marker"))
    first = looks.assess(policy, text, await endpoint.ask(question, endpoint.format, None), False)
    final = first.judgement
    if first.wants_look:
        final = await looks.look(question, first, Patience(None, False))
    assert first.judgement.certainty is not None
    assert final.certainty is not None
    again, _ = model.answer(text)
    return Case(
        first_score=first.judgement.certainty.score,
        first_was_repeated=again == first.judgement.label,
        score=final.certainty.score,
        was_repeated=again == final.label,
        is_calibrated=first.judgement.certainty.is_calibrated,
        has_look=first.wants_look,
    )


class Group(NamedTuple):
    """Answers with much the same score."""

    size: int
    score: float
    """The mean of what was said."""
    repeated: float
    """The share that came true."""


Claims = Sequence[tuple[float, bool]]
"""A score, and whether the label came again."""


def groups(claims: Claims) -> list[Group]:
    """Groups of equal size, the least sure first."""
    ordered = sorted(claims)
    edges = [len(ordered) * at // GROUPS for at in range(GROUPS + 1)]
    parts = [ordered[low:high] for low, high in pairwise(edges)]
    return [
        Group(len(part), sum(s for s, _ in part) / len(part), sum(r for _, r in part) / len(part))
        for part in parts
        if part
    ]


def calibration_error(claims: Claims) -> float:
    """How far from the truth a score is on average (expected calibration error)."""
    found = groups(claims)
    total = sum(group.size for group in found)
    return sum(group.size * abs(group.score - group.repeated) for group in found) / total


def separation(claims: Claims) -> float:
    """The probability that of two answers the one that was repeated had the higher score (AUC)."""
    ordered = sorted(claims, key=lambda claim: claim[0])
    ranks: dict[float, list[int]] = {}
    for rank, (score, _) in enumerate(ordered, start=1):
        ranks.setdefault(score, []).append(rank)
    repeated = [sum(ranks[s]) / len(ranks[s]) for s, was_repeated in ordered if was_repeated]
    others = len(ordered) - len(repeated)
    return (sum(repeated) - len(repeated) * (len(repeated) + 1) / 2) / (len(repeated) * others)


def first_claims(cases: Sequence[Case]) -> Claims:
    return [(case.first_score, case.first_was_repeated) for case in cases]


def final_claims(cases: Sequence[Case]) -> Claims:
    return [(case.score, case.was_repeated) for case in cases]


def document(runs: dict[float, Run]) -> dict[str, Any]:
    """What is written: for each share the errors, and the reliability of both scores."""
    return {
        "source": "simulated from counts of public logs, no model: dev/safeguard/distributions",
        "texts": TEXTS,
        "by_share": {
            f"{share:g}": {
                "looks": found.looks,
                "looks_share": found.looks / len(found.cases),
                "calibrated_share": sum(c.is_calibrated for c in found.cases) / len(found.cases),
                "first": _figures(first_claims(found.cases)),
                "final": _figures(final_claims(found.cases)),
            }
            for share, found in runs.items()
        },
    }


def _figures(claims: Claims) -> dict[str, Any]:
    return {
        "calibration_error": round(calibration_error(claims), 4),
        "separation": round(separation(claims), 4),
        "repeated": round(sum(was_repeated for _, was_repeated in claims) / len(claims), 4),
        "groups": [
            {
                "size": group.size,
                "score": round(group.score, 4),
                "repeated": round(group.repeated, 4),
            }
            for group in groups(claims)
        ],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The document as a table."""
    told = [f"{found['texts']} texts a run; {found['source']}"]
    for share, each in found["by_share"].items():
        told.append(
            f"\nsecond looks at no more than {share}: {each['looks']} ({each['looks_share']:.4f}); "
            f"{each['calibrated_share']:.0%} of the scores calibrated"
        )
        for name in ("first", "final"):
            figures = each[name]
            told.append(
                f"  {name} scores: calibration error {figures['calibration_error']:.4f}, "
                f"separation {figures['separation']:.3f}, repeated {figures['repeated']:.3f}"
            )
            told.append("    score " + " ".join(f"{g['score']:6.3f}" for g in figures["groups"]))
            told.append("    truth " + " ".join(f"{g['repeated']:6.3f}" for g in figures["groups"]))
    return told


async def measure(seed: int = 1) -> dict[str, Any]:
    return document({share: await run(share, seed=seed) for share in SHARES})


def main() -> None:
    found = asyncio.run(measure())
    print("\n".join(lines(found)))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\nwritten: {FILE}")


if __name__ == "__main__":
    main()
