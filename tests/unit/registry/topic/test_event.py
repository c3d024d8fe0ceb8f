"""`[message.event]`: what it says, and what is wrong with it in its author's words."""

from __future__ import annotations

import pytest

from consumer.domain.messages.rules import EventRule, EventTerms
from consumer.domain.policy import Outcome
from consumer.registry.topic.file import TopicFile, read_topic_file

HEAD = 'topics = ["chat"]\nlive = 1\n'


def read(text: str, head: str = HEAD) -> TopicFile:
    found = read_topic_file("chat/topic.toml", (head + text).encode())
    assert isinstance(found, TopicFile), found
    return found


def flaws(text: str, head: str = HEAD) -> list[str]:
    found = read_topic_file("chat/topic.toml", (head + text).encode())
    assert isinstance(found, list)
    return [str(flaw) for flaw in found]


def test_edits_and_deletions_are_told_by_a_field_or_a_header() -> None:
    """Every key has its place in the terms."""
    file = read(
        """[message.event]
edit = {field = "/op", equals = ["u", "U"], target = "/after/id"}
delete = {header = "kind", equals = ["d"], target = "/before/id"}
settle_s = 5
on_delete = "block"
"""
    )
    assert file.reading().event == EventTerms(
        edit=EventRule(frozenset({"u", "U"}), field=("op",), target=("after", "id")),
        delete=EventRule(frozenset({"d"}), header="kind", target=("before", "id")),
        tombstones=False,
        settle_s=5.0,
        on_delete=Outcome.BLOCK,
    )


def test_without_the_table_every_record_is_a_message_of_its_own() -> None:
    """Tombstones alone may delete, where the topic says so."""
    assert read("").reading().event is None
    told = read("", HEAD + 'tombstones = "delete"\n')
    assert told.reading().event == EventTerms(tombstones=True)
    assert told.tombstones == "delete"
    table = read('[message.event]\non_delete = "flag"\n', HEAD + 'tombstones = "delete"\n')
    assert table.reading().event == EventTerms(tombstones=True, on_delete=Outcome.FLAG)


def test_the_messages_own_id_may_be_the_target() -> None:
    """Where it is known at all."""
    file = read('[message]\nid = "/id"\n[message.event]\nedit = {field = "/t", equals = ["e"]}\n')
    event = file.reading().event
    assert event is not None
    assert event.edit == EventRule(frozenset({"e"}), field=("t",))
    assert event.delete is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[message.event]\n", 3, "message.event: give edit or delete, or tombstones"),
        (
            '[message.event]\nedit = {equals = ["e"], target = "/id"}\n',
            4,
            "either field or header",
        ),
        (
            '[message.event]\nedit = {field = "/t", header = "t", equals = ["e"]}\n',
            4,
            "either field or header",
        ),
        ('[message.event]\ndelete = {field = "/t", equals = []}\n', 4, "needs 1 or more"),
        ('[message.event]\ndelete = {field = "t", equals = ["d"]}\n', 4, "JSON Pointer"),
        (
            '[message.event]\ndelete = {field = "/t", equals = ["d"]}\n',
            4,
            "message.event.delete: needs a target, or `id` under [message]",
        ),
        (
            '[message.event]\n\nedit = {field = "/t", equals = ["e"]}\n',
            5,
            "message.event.edit: needs a target",
        ),
        (
            '[message]\nformat = "text"\n[message.event]\n'
            'edit = {header = "t", equals = ["e"], target = "/id"}\n',
            6,
            'message.event.edit: a record of format "text" has no field that names a message',
        ),
        (
            "[message.event]\nsettle_s = 5\n"
            'delete = {field = "/t", equals = ["d"], target = "/i"}\n',
            3,
            "settle_s needs edit",
        ),
        ("[message.event]\nsettle_s = 61\n", 4, "60"),
        ("[message.event]\nsettle_s = -1\n", 4, "0"),
        ('[message.event]\non_delete = "drop"\n', 4, "allow"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, words: str) -> None:
    """In the words of whoever wrote it."""
    found = [flaw for flaw in flaws(text) if words in flaw]
    assert found, flaws(text)
    assert found[0].startswith(f"chat/topic.toml:{line}:")


def test_an_empty_table_may_stand_where_tombstones_delete() -> None:
    """They are events enough, of records of any format."""
    head = HEAD + 'tombstones = "delete"\n'
    assert read('[message]\nformat = "text"\n[message.event]\n', head).reading().event is not None
    assert any("tombstones" in flaw for flaw in flaws("", HEAD + 'tombstones = "drop"\n'))
