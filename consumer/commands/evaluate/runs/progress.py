"""How far the judging is, what it has cost, and how long it will take: for who looks on."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.interfaces import Clock

EVERY_S = 15.0
"""Between lines where no terminal shows a bar."""


class RunProgress:
    """A bar at a terminal, a line now and then elsewhere."""

    def __init__(
        self,
        progress: Progress,
        console: Console,
        results: ResultsFile,
        clock: Clock,
        price: TokenPrice | None,
        total: int,
        after_s: float = 0.0,
    ) -> None:
        """`after_s` is what remains to be done once all is judged: whoever waits, waits for it."""
        self._progress = progress
        self._console = console
        self._results = results
        self._clock = clock
        self._price = price
        self._total = total
        self._after_s = after_s
        self._task = progress.add_task("judging", total=total)
        self._done = self._asked = 0
        self._started_s = self._said_s = clock.now_s()

    def __repr__(self) -> str:
        return f"<RunProgress {self._done} of {self._total}, {self._asked} asked now>"

    def advance(self, answer: KeptAnswer | None) -> None:
        """One more question is answered; None where its answer was kept from before."""
        self._done += 1
        if answer is not None:
            self._asked += 1
        self._total = max(self._total, self._done)
        spent = self._spent
        self._progress.update(
            self._task, completed=self._done, total=self._total, description=f"judging, {spent}"
        )
        now_s = self._clock.now_s()
        if not self._console.is_terminal and now_s - self._said_s >= EVERY_S:
            self._said_s = now_s
            line = f"judged {self._done} of {self._total}, {spent}, {self._left(now_s)}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @property
    def _spent(self) -> str:
        """With what was judged before."""
        tokens = f"{self._results.billed_tokens:,} tokens"
        if self._price is None:
            return tokens
        return f"{tokens}, cost {self._price.of(self._results.tokens):.4f}"

    def _left(self, now_s: float) -> str:
        if not self._asked:
            return "nothing asked yet"
        pace_s = (now_s - self._started_s) / self._asked
        left_s = round(pace_s * (self._total - self._done) + self._after_s)
        return f"about {left_s // 60} min {left_s % 60} s left"
