"""
Dispatcher: what waits in the outbox, published once by its id.

Before an item is sent it is noted from which offset on it can lie on its topic. An item that is
found noted and not done, after a crash or a failed write, is looked for there and sent again only
where it is not. One process at a time has the turn, and a turn is longer than the client can still
be sending, so what is looked for has come to rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.messages.retry import SUPERSEDES
from consumer.errors import StoreUnavailable
from consumer.interfaces import Output, Publication
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import Span, TopicReader
from consumer.kafka.sink.writer import TopicWriter
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import DecisionFact
from consumer.review.feed.announcement import Announcements, Unpublishable
from consumer.review.records.decision import DECISION_ID
from consumer.review.records.statement import STATEMENT_ID
from consumer.review.store.book import CaseBook
from consumer.review.store.outbox import Item, ItemKind, ItemState, Outbox

log = structlog.get_logger()

BATCH = 100
"""Items at once; what is beyond comes in the next batch."""
MARGIN_S = 5.0
"""Of a turn beyond what the client may take, for the look before and the notes around it."""
VERDICT_ID = "safeguard-verdict-id"
_STATEMENT = "statement:"
"""Before the id of a statement, which is that of its verdict."""
_AGAIN = "again:"
"""Before the id of the verdict that a second judgement is to take the place of."""


class Dispatched(NamedTuple):
    """What became of a batch of items."""

    sent: int = 0
    found: int = 0
    """Stored before, by a process that could not note it any more."""
    given_up: int = 0
    failed: int = 0
    """To be tried again."""


class Dispatcher:
    """Publishes what was decided. Blocking."""

    def __init__(
        self,
        config: KafkaConfig,
        owner: str,
        outbox: Outbox,
        book: CaseBook,
        announcements: Announcements,
    ) -> None:
        self._owner = owner
        self._outbox = outbox
        self._book = book
        self.announcements = announcements
        self._reader = TopicReader(config, isolation="read_uncommitted")
        self._writer = TopicWriter(config)
        self._turn_ms = int((2 * config.client_timeout_s + MARGIN_S) * 1_000)

    def run(self, wall_ms: Callable[[], int]) -> Dispatched:
        """
        Publish what is due, as far as it is our turn.

        Raises:
            BrokerUnavailable: what may have been stored cannot be looked for now.
            StoreUnavailable: the store does not answer.
        """
        if not self._outbox.due(wall_ms(), 1):
            return Dispatched()
        if not self._outbox.take_turn(self._owner, wall_ms(), self._turn_ms):
            return Dispatched()
        items = self._outbox.due(wall_ms(), BATCH)
        found = self._stored([item for item in items if item.state is ItemState.SENDING])
        self._outbox.sent(sorted(found))
        publications, given_up = self._publications([i for i in items if i.id not in found])
        ready = self._noted(items, publications, wall_ms())
        unsent = len(publications) - len(ready)
        # The look may have taken long: from here on the whole of a turn is ours again, or none.
        if not self._outbox.take_turn(self._owner, wall_ms(), self._turn_ms):
            return Dispatched(found=len(found), given_up=given_up, failed=len(publications))
        faults = self._writer.write([publications[name] for name in ready])
        stored = [name for name, fault in zip(ready, faults, strict=True) if fault is None]
        self._outbox.sent(stored)
        for fault in sorted({fault for fault in faults if fault is not None}):
            log.warning("a decision could not be published yet", error=fault)
        unsent += len(ready) - len(stored)
        return Dispatched(len(stored), len(found), given_up, unsent)

    def close(self) -> None:
        """Let another process go on at once: nothing of ours is under way."""
        try:
            self._outbox.give_turn(self._owner)
        except StoreUnavailable:
            # The turn runs out by itself, and why the feed ends must not be hidden by this.
            log.info("the turn is left to run out")

    def _stored(self, items: Sequence[Item]) -> set[str]:
        """Which of these lie on their topics already."""
        if not items:
            return set()
        floors: dict[Output, int] = {}
        for item in items:
            if item.floor is not None:
                floor = floors.get(item.floor, item.floor_offset)
                floors[item.floor] = min(floor, item.floor_offset)
        ends = self._reader.ends(floors)
        spans = [Span(*out, at, ends[out]) for out, at in floors.items() if out in ends]
        seen = {
            _name(record.headers) for records in self._reader.records(spans) for record in records
        }
        return {item.id for item in items if self._identity(item) in seen}

    def _identity(self, item: Item) -> str | None:
        """What tells the item's record from others on its topic."""
        if item.kind is ItemKind.DECISION:
            return item.decision_id
        if item.kind is ItemKind.SECOND_JUDGEMENT:
            return _AGAIN + item.decision_id
        found = self._case_and_decision(item)
        if found is None:
            return None
        decision = found[1]
        if item.kind is ItemKind.STATEMENT:
            return _STATEMENT + (decision.verdict or decision.id)
        return decision.verdict

    def _case_and_decision(self, item: Item) -> tuple[ReviewCase, DecisionFact] | None:
        docket = self._book.look(item.case_id)
        if docket is None:
            return None
        decision = next((d for d in docket.case.decisions if d.id == item.decision_id), None)
        return None if decision is None else (docket.case, decision)

    def _publications(self, items: Sequence[Item]) -> tuple[dict[str, Publication], int]:
        """By item, and how many never can be."""
        made, given_up = self._asked([i for i in items if i.kind is ItemKind.SECOND_JUDGEMENT])
        known = []
        for item in items:
            if item.kind is ItemKind.SECOND_JUDGEMENT:
                continue
            found = self._case_and_decision(item)
            if found is None:
                # A store that somebody emptied; what was decided is on no topic and nowhere else.
                self._outbox.give_up(item.id, "the decision is not in the store any more")
                given_up += 1
            else:
                known.append((item, found))
        wanted = [d.position for i, (_, d) in known if i.kind is ItemKind.VERDICT]
        records = self._fetched([position for position in wanted if position is not None])
        for item, (case, decision) in known:
            try:
                if item.kind is ItemKind.DECISION:
                    made[item.id] = self.announcements.decision(case, decision)
                elif item.kind is ItemKind.STATEMENT:
                    made[item.id] = self.announcements.statement(case, decision)
                else:
                    record = records.get(decision.position or "")
                    made[item.id] = self.announcements.verdict(case, decision, record)
            except Unpublishable as why:
                self._outbox.give_up(item.id, str(why))
                log.warning("it cannot be published", item=item.id, case=case.id, reason=str(why))
                given_up += 1
        return made, given_up

    def _asked(self, items: Sequence[Item]) -> tuple[dict[str, Publication], int]:
        """The records to be judged once more, by item, and how many never will be."""
        made: dict[str, Publication] = {}
        for item in items:
            docket = self._book.look(item.case_id)
            if docket is None or docket.case.doubted != item.decision_id:
                self._outbox.give_up(item.id, "nobody asks any more")
                continue
            place = docket.case.version or ""
            record = self._fetched([place]).get(place)
            try:
                made[item.id] = self.announcements.second_judgement(
                    docket.case, item.decision_id, record
                )
            except Unpublishable as why:
                self._outbox.give_up(item.id, str(why))
                log.warning("no second judgement", case=item.case_id, reason=str(why))
        return made, len(items) - len(made)

    def _fetched(self, positions: Sequence[str]) -> dict[str, Record]:
        """The records there, but for those that are gone."""
        places = {place for text in positions if (place := Position.parse(text)) is not None}
        found = ((place, self._reader.record(place)) for place in sorted(places))
        return {str(place): record for place, record in found if record is not None}

    def _noted(
        self, items: Sequence[Item], publications: Mapping[str, Publication], now_ms: int
    ) -> list[str]:
        """Those that may be sent, in their order, each with its floor noted."""
        fresh = [i.id for i in items if i.id in publications and i.state is ItemState.PENDING]
        again = [i.id for i in items if i.id in publications and i.state is ItemState.SENDING]
        ends = self._reader.ends({publications[name].output for name in fresh})
        floors = {
            name: (publications[name].output, ends[publications[name].output])
            for name in fresh
            if publications[name].output in ends
        }
        for name in set(fresh) - floors.keys():
            log.warning("a topic is missing", topic=publications[name].topic)
        noted = self._outbox.sending(floors, now_ms)
        # What was noted before keeps its floor, for it may still come to light there.
        return [item.id for item in items if item.id in noted or item.id in again]


def _name(headers: Headers) -> str:
    """The id of a decision, a statement or a verdict."""
    last = dict(headers)
    if STATEMENT_ID in last:
        return _STATEMENT + (last[STATEMENT_ID] or b"").decode("ascii", "replace")
    if SUPERSEDES in last and VERDICT_ID not in last:
        return _AGAIN + (last[SUPERSEDES] or b"").decode("ascii", "replace")
    value = last.get(DECISION_ID) or last.get(VERDICT_ID)
    return (value or b"").decode("ascii", "replace")
