"""Attacks on a set's own harmful texts, beside what asking the same once more changes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace

from consumer.commands.evaluate.attacks import Attack, attacks_on
from consumer.commands.evaluate.cases.labelled import LabelledText, text_digest
from consumer.commands.evaluate.cases.own import Case
from consumer.commands.evaluate.measures.robustness import RobustnessMeasures, robustness
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.commands.evaluate.runs.judging import Judge, Judging
from consumer.commands.evaluate.runs.plan import Run
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.domain.policy import Outcome


class Assault:
    """Attacks some harmful texts of a set that were judged as severely as they deserve."""

    def __init__(self, judging: Judging, judge: Judge, run: Run, results: ResultsFile) -> None:
        self._judging = judging
        self._judge = judge
        self._run = run
        self._results = results

    def __repr__(self) -> str:
        return f"<Assault on {self._run.name}>"

    async def measure(
        self, texts: Iterable[LabelledText], count: int, concurrency: int
    ) -> RobustnessMeasures:
        """`count` texts are attacked, chosen by their digests: the same ones each time."""
        again = replace(self._run, name=f"{self._run.name} again", again=1)
        bases = self._bases(texts, count)
        await self._judging.judge_all(map(_as_text, bases), [again], concurrency)
        attacks = [attack for base in bases for attack in attacks_on(base)]
        attacked = (
            LabelledText(0, each.id, each.text, "", "", {each.policy.name: each.base.label})
            for each in attacks
        )
        await self._judging.judge_all(attacked, [self._run], concurrency)
        return robustness(
            self._run.name,
            [(base.outcome, self._answer(base, again)) for base in bases],
            [(attack, self._answer(attack, self._run)) for attack in attacks],
        )

    def _bases(self, texts: Iterable[LabelledText], count: int) -> list[Case]:
        """Those with the lowest digests; no more than `count` are held."""
        policies = {policy.name: policy for policy in self._run.version.policies}
        chosen: list[tuple[int, str, Case]] = []
        for text in texts:
            for name, label in text.known.items():
                case = Case(text.id, text.text, text.language, policies[name], label)
                answer = self._answer(case, self._run)
                if case.outcome is Outcome.ALLOW or answer is None or answer.outcome is None:
                    continue
                if answer.outcome.severity < case.outcome.severity:
                    continue
                place = (-int(text_digest(text.text + name), 16), f"{name}{text.line}", case)
                if place[:2] not in [each[:2] for each in chosen]:
                    heapq.heappush(chosen, place)
                if len(chosen) > count:
                    heapq.heappop(chosen)
        return [case for _, _, case in sorted(chosen, key=lambda each: each[:2])]

    def _answer(self, text: Case | Attack, run: Run) -> KeptAnswer | None:
        judge = self._judge
        digest = text_digest(text.text)
        return self._results.get(run.key(digest, text.policy.name, judge.template, judge.served))


def _as_text(case: Case) -> LabelledText:
    return LabelledText(0, case.id, case.text, case.language, "", {case.policy.name: case.label})
