"""Opening the review room by the settings: its store is made where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from consumer.domain.binding import Catalogue
from consumer.domain.review import ReviewTerms
from consumer.errors import InvalidSettings
from consumer.registry.load import load_catalogue
from consumer.review.room import ReviewRoom
from consumer.review.store.batches import BatchDesk
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.lead_desk import LeadDesk
from consumer.review.store.outbox import Outbox
from consumer.settings.review import ReviewSettings
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


@contextmanager
def opened(
    settings: Settings, policies: Callable[[], Catalogue] | None = None
) -> Iterator[ReviewRoom]:
    """
    The room; its store is made where there is none, its policies are those of now by default.

    Raises:
        InvalidSettings: the store's address or password cannot be read.
        InvalidPolicy: the policies have faults.
        StoreUnavailable: the database does not answer.
    """
    if policies is None:
        catalogue = load_catalogue(settings.policies.folder)
        policies = partial(_as_they_were, catalogue)
    database = Database(settings.review.store, _password(settings.review))
    try:
        yield room_of(settings, policies, database)
    finally:
        database.close()


def room_of(
    settings: Settings, policies: Callable[[], Catalogue], database: Database
) -> ReviewRoom:
    """The room around an open store."""

    def terms_of(topic: str) -> ReviewTerms:
        binding = policies().binding_for(topic)
        # What was taken up stays, also where the table has been taken out of `topic.toml`.
        return (binding.review if binding else None) or ReviewTerms()

    book = CaseBook(database, terms_of)
    own = settings.review
    terms = DeskTerms(
        lease_ms=int(own.lease_s * 1_000),
        hold_max_ms=int(own.hold_max_s * 1_000),
        undo_ms=int(own.undo_s * 1_000),
        rights=own.rights,
    )
    kafka = kafka_config(settings.kafka)
    desk = ReviewDesk(database, book, terms)
    batches = BatchDesk(database, book, desk)
    leads = LeadDesk(database, desk)
    return ReviewRoom(policies, kafka, database, book, desk, Outbox(database), batches, leads)


def _as_they_were(catalogue: Catalogue) -> Catalogue:
    return catalogue


def _password(own: ReviewSettings) -> str | None:
    if own.store_password_file is None:
        return None
    try:
        return own.store_password_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"review.store_password_file: {own.store_password_file} cannot be read: "
            f"{getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None
