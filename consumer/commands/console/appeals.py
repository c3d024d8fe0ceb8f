"""Appeals: the form of the people moderated by the settings, and the links that lead to it."""

from __future__ import annotations

from consumer.commands.console.secrets import secret_in
from consumer.errors import InvalidSettings
from consumer.kafka.sink.writer import TopicWriter
from consumer.review.console.address import ConsoleAddress, address_of
from consumer.review.console.appealing import AppealForm
from consumer.review.room import ReviewRoom
from consumer.settings.console import ConsoleSettings

PATH = "/appeal/"


def appeal_form(
    own: ConsoleSettings, room: ReviewRoom, address: ConsoleAddress
) -> AppealForm | None:
    """
    The form, where a secret is set; it is reached at `address` unless it has one of its own.

    Raises:
        InvalidSettings: the secret cannot be read or is short, or others could read along.
    """
    appeals = own.appeals
    if appeals.secret_file is None:
        return None
    if appeals.url is not None:
        address = address_of(own.host, own.port, appeals.url, "review.console.appeals.url")
    writer = TopicWriter(room.kafka)
    return AppealForm(
        appeal_secret(own), address, appeals.per_minute, lambda each: writer.write([each])[0]
    )


def appeal_secret(own: ConsoleSettings) -> bytes:
    """
    What links are signed by.

    Raises:
        InvalidSettings: it is not set, cannot be read or is short.
    """
    file = own.appeals.secret_file
    if file is None:
        raise InvalidSettings(
            "review.console.appeals.secret_file: name a file with a secret, as `openssl rand -hex "
            "32` makes it, for the console and for this command"
        )
    return secret_in(file, "review.console.appeals.secret_file").encode()


def appeal_origin(own: ConsoleSettings) -> str:
    """
    Where the form is, for somebody who has no console open.

    Raises:
        InvalidSettings: the console takes any free port, or others could read along.
    """
    if own.appeals.url is not None:
        return address_of(own.host, own.port, own.appeals.url, "review.console.appeals.url").origin
    if own.port == 0 and own.public_url is None:
        raise InvalidSettings("review.console.port: give a number, or nobody knows where it leads")
    return address_of(own.host, own.port, own.public_url).origin
