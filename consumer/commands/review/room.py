"""Opening the review room by the settings: its store is made where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from consumer.domain.binding import Catalogue
from consumer.domain.review import ReviewTerms
from consumer.errors import InvalidSettings
from consumer.registry.load import load_catalogue
from consumer.review.room import ReviewRoom
from consumer.review.store.batches import BatchDesk
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.outbox import Outbox
from consumer.settings.review import ReviewSettings
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


@contextmanager
def opened(settings: Settings) -> Iterator[ReviewRoom]:
    """
    The room; its store is made where there is none.

    Raises:
        InvalidSettings: the store's address or password cannot be read.
        InvalidPolicy: the policies have faults.
        StoreUnavailable: the database does not answer.
    """
    catalogue = load_catalogue(settings.policies.folder)
    database = Database(settings.review.store, _password(settings.review))
    try:
        yield room_of(settings, catalogue, database)
    finally:
        database.close()


def room_of(settings: Settings, catalogue: Catalogue, database: Database) -> ReviewRoom:
    """The room around an open store."""

    def terms_of(topic: str) -> ReviewTerms:
        binding = catalogue.binding_for(topic)
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
    return ReviewRoom(catalogue, kafka, database, book, desk, Outbox(database), batches)


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
