"""What the tables of `topic.toml` have in common: they are closed, and name fields and topics."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from consumer.domain.messages.rules import Pointer

LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

NAME_CHARS_MAX = 249
"""Of a topic's name. Protocol: Kafka's limit."""
NO_NAMES = (".", "..")
"""Kafka refuses them, though their characters are good ones."""
RESERVED = ("safeguard.", "__")
"""What is written there is read by every worker, or by the brokers themselves."""


class ClosedTable(BaseModel):
    """The text below a field is its meaning, in policies/TOPIC.md too."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError('a JSON Pointer starts with "/", as in "/author/id"')
    return text


def _topic_name(text: str) -> str:
    if (
        not text
        or len(text) > NAME_CHARS_MAX
        or set(text) - (LETTERS | set("*?[]"))
        or text in NO_NAMES
    ):
        raise ValueError("no Kafka topic name or pattern: letters, digits, dots, - and _")
    return text


def _output_name(text: str) -> str:
    name = text.replace("{topic}", "")
    if not name or len(text) > NAME_CHARS_MAX or set(name) - LETTERS or text in NO_NAMES:
        raise ValueError("no Kafka topic name; {topic} stands for the input's name and needs more")
    if text.startswith(RESERVED):
        raise ValueError(
            "safeguard.* and __* are books of the service and of Kafka: choose another"
        )
    return text


def _of_one_input(name: str) -> str:
    if "{topic}" not in name:
        raise ValueError("needs {topic} in it: each input has its own")
    return name


PointerText = Annotated[str, AfterValidator(_pointer)]
TopicName = Annotated[str, AfterValidator(_topic_name)]
OutputName = Annotated[str, AfterValidator(_output_name)]
OwnName = Annotated[OutputName, AfterValidator(_of_one_input)]


def split_pointer(text: str) -> Pointer:
    """`/author/id` -> ("author", "id"), with RFC 6901's escapes undone."""
    if not text:
        return ()
    return tuple(s.replace("~1", "/").replace("~0", "~") for s in text[1:].split("/"))


def optional_pointer(text: str | None) -> Pointer | None:
    return None if text is None else split_pointer(text)
