"""
Appealing: the form of the person moderated: which link leads to it, and where an appeal goes.

An appeal goes to the topic that the platform's own appeals go to, and is read from there: one
reading for all. Its id is that of its verdict, so sent twice it is one appeal.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256
from threading import BoundedSemaphore, Lock

from consumer.domain.messages.message import Position
from consumer.domain.review import ReviewTerms
from consumer.errors import ConsumerError
from consumer.interfaces import Publication
from consumer.review.cases.facts import case_id
from consumer.review.console.address import ConsoleAddress
from consumer.review.records.appeal_link import AppealGrant, read_link
from consumer.review.store.book import CaseBook

MINUTE_MS = 60_000
AT_ONCE = 2
"""Appeals on their way to the brokers: while these are away reviewers keep the other threads."""
SENT_MAX = 10_000
"""Of so many verdicts it is remembered that an appeal was sent, until the store has it."""

Write = Callable[[Publication], str | None]
"""Stores a record and waits; None, or what went wrong. Blocking."""


class AppealBusy(ConsumerError):
    """An appeal cannot be taken just now. Its sender is asked to come again."""


class AppealForm:
    """Takes appeals. Any thread may use it."""

    def __init__(
        self, secret: bytes, address: ConsoleAddress, per_minute: int, write: Write
    ) -> None:
        """`address` is where people reach it."""
        self._secret = secret
        self.address = address
        self._per_minute = per_minute
        self._write = write
        self._taken: deque[int] = deque()
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()
        self._writing = BoundedSemaphore(AT_ONCE)

    def __repr__(self) -> str:
        return f"<AppealForm at {self.address.origin}, {len(self._taken)} in the last minute>"

    def grant(self, token: str, now_ms: int) -> AppealGrant:
        """
        What a link lets somebody do.

        Raises:
            LinkRefused: nothing.
        """
        return read_link(token, self._secret, now_ms)

    def form_token(self, token: str) -> str:
        """What the form of a link carries, so that no other site can send it."""
        return hmac.new(self._secret, b"form\n" + token.encode(), sha256).hexdigest()

    def is_made(self, grant: AppealGrant, book: CaseBook) -> bool:
        """Whether the one appeal against this verdict has been made."""
        if grant.verdict_id in self._sent:
            return True
        docket = book.look(case_id(grant.topic, grant.message_id))
        made = docket.case.appeals if docket is not None else ()
        return any(appeal.verdict == grant.verdict_id for appeal in made)

    def send(self, grant: AppealGrant, note: str, terms: ReviewTerms, now_ms: int) -> None:
        """
        Have it decided once more.

        Raises:
            AppealBusy: too many are sent just now, or no broker takes it.
            ValidationError: the note is too long.
        """
        record = grant.appeal(note, now_ms)
        self._check_rate(now_ms)
        place = Position.parse(grant.position)
        assert place is not None, "a signed position is one"
        publication = Publication(
            terms.topics(grant.topic).appeals,
            place.partition,
            # Of a compacted topic each appeal stays.
            grant.verdict_id.encode(errors="replace"),
            record.model_dump_json(exclude_none=True).encode(),
            (("content-type", b"application/json"),),
        )
        if not self._writing.acquire(blocking=False):
            raise AppealBusy("others are being sent")
        try:
            fault = self._write(publication)
        finally:
            self._writing.release()
        if fault is not None:
            raise AppealBusy(f"{publication.topic}: {fault}")
        self._remember(grant.verdict_id)

    def _check_rate(self, now_ms: int) -> None:
        with self._lock:
            while self._taken and self._taken[0] <= now_ms - MINUTE_MS:
                self._taken.popleft()
            if len(self._taken) >= self._per_minute:
                raise AppealBusy("review.console.appeals.per_minute is reached")
            self._taken.append(now_ms)

    def _remember(self, verdict_id: str) -> None:
        with self._lock:
            self._sent[verdict_id] = None
            while len(self._sent) > SENT_MAX:
                self._sent.popitem(last=False)
