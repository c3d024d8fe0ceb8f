"""
Budgets: which inputs have one here, how much of it is this process's, and what is said of it.

Each process counts for itself and knows nothing of the others, but it knows its partitions: its
part of a budget is their share of all, so that the parts add up to the whole. A retry topic counts
as its input.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import structlog

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.choose import choose
from consumer.pipeline.assignment.assignment import Assignment, Flight, Reserve
from consumer.pipeline.flow.budget import Budget, Spent
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class Budgets:
    """The budget of each input at work that has one."""

    def __init__(
        self, telemetry: Telemetry, partitions_of: Callable[[str], int] | None = None
    ) -> None:
        self._clock = telemetry.clock
        self._metrics = telemetry.metrics
        self._partitions_of = partitions_of
        """How many partitions an input has, with its retry topic's; None where all are ours."""
        self._budgets: dict[str, Budget] = {}
        """Kept when the last partition leaves: it may come back within the hour."""
        self._said: frozenset[str] = frozenset()
        """The inputs whose budget was last said to be spent."""
        self._topics: set[str] = set()
        """The inputs whose budget was last seen at work."""

    def __repr__(self) -> str:
        return f"<Budgets {list(self._budgets.values())!r}>"

    @property
    def spent(self) -> tuple[str, ...]:
        """The inputs whose budget is spent; health asks for them from a thread of its own."""
        return tuple(sorted(self._said))

    def bind(self, assignments: Iterable[Assignment], catalogue: Catalogue) -> None:
        """
        Give each assignment its input's budget, as `topic.toml` has it now; what was spent stays.

        A topic that is bound no more keeps the budget that it had, as it keeps its policies.
        """
        if not self._budgets and all(binding.budget is None for binding in catalogue.bindings):
            return
        owned: dict[Budget, int] = {}
        for assignment in assignments:
            topic = assignment.partition.topic
            binding = catalogue.binding_for(topic)
            if binding is not None:
                assignment.budget = self._budget_of(binding.origin_of(topic), binding)
            if assignment.budget is not None:
                owned[assignment.budget] = owned.get(assignment.budget, 0) + 1
        for budget, count in owned.items():
            of = self._partitions_of(budget.topic) if self._partitions_of else count
            budget.share = min(1.0, count / max(1, of))
        self._look(owned)

    def _budget_of(self, topic: str, binding: Binding) -> Budget | None:
        if binding.budget is None:
            self._budgets.pop(topic, None)
            return None
        calls_each = len(choose(binding).policies)
        budget = self._budgets.setdefault(topic, Budget(topic, binding.budget, calls_each))
        budget.terms, budget.calls_each = binding.budget, calls_each
        return budget

    def _look(self, owned: Iterable[Budget]) -> None:
        """See which of the spent ones have room again, and set the gauges."""
        now_s, metrics = self._clock.now_s(), self._metrics
        topics = set()
        for budget in owned:
            topics.add(budget.topic)
            if budget.is_spent:
                budget.has_room(now_s)
            self._say(budget)
            metrics.budget_spent.labels(budget.topic).set(budget.is_spent)
            used = budget.used_at(now_s)
            for kind, most in (("calls", budget.calls_max), ("tokens", budget.tokens_max)):
                if most:
                    share = getattr(used, kind) / most
                    metrics.budget_used_ratio.labels(budget.topic, kind).set(share)
        for topic in self._topics - topics:
            self._forget(topic)
        self._topics = topics

    def _forget(self, topic: str) -> None:
        """Somebody else's now, or without a budget: what was said of it holds no more."""
        self._said -= {topic}
        with contextlib.suppress(KeyError):
            self._metrics.budget_spent.remove(topic)
        for kind in Spent._fields:
            with contextlib.suppress(KeyError):
                self._metrics.budget_used_ratio.remove(topic, kind)

    def has_room(self, budget: Budget) -> bool:
        """Whether a record may begin; where records wait for their budget each is asked about."""
        has_room = budget.has_room(self._clock.now_s())
        self._say(budget)
        return has_room

    def begin(self, flight: Flight, budget: Budget) -> None:
        """Set aside what the record will cost; where there is no room it ends unjudged."""
        # Where records wait they have been asked about already, and only with room they come here.
        if budget.waits or self.has_room(budget):
            flight.reserve = Reserve(budget, budget.begin())
        else:
            flight.is_over_budget = True

    def end(self, flight: Flight) -> None:
        """It has been judged, or will not be: count what it did cost."""
        if flight.reserve is not None:
            budget, calls = flight.reserve
            flight.reserve = None
            budget.end(self._clock.now_s(), calls, flight.usage)

    def _say(self, budget: Budget) -> None:
        """Log when a budget is spent and when it has room again, once each."""
        if budget.is_spent == (budget.topic in self._said):
            return
        self._said ^= {budget.topic}
        used = budget.used
        log.warning(
            "budget is spent" if budget.is_spent else "budget has room again",
            topic=budget.topic,
            on_budget=budget.terms.on_budget,
            calls=used.calls,
            tokens=used.tokens,
            room_in_s=round(budget.room_in_s(self._clock.now_s())),
        )
