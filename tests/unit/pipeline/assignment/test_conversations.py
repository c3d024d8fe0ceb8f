"""Context at work: what lies before a message in its partition, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.binding import Binding, MessageTerms
from consumer.domain.checkpoint import Checkpoint, Floor
from consumer.domain.messages.context import LINE_TOKENS, ContextTerms, Line
from consumer.domain.messages.message import Fact, Position, Record
from consumer.domain.messages.rules import SkipRule
from consumer.domain.tokens import tokens_of
from consumer.interfaces import Assigned, Partition
from consumer.pipeline.assignment.conversations import Conversations
from tests.builders import a_message
from tests.unit.pipeline.staging import TOPIC, VERSION, ZERO, Stage, settle

READING = MessageTerms(
    author=("by",),
    conversation=("room",),
    author_facts=(("age",),),
    skip_when=(SkipRule(frozenset({"bot"}), field=("by",)),),
)
TERMS = ContextTerms(messages=3)
BINDING = Binding("chat", (TOPIC,), VERSION, READING, context=TERMS, versions={1: VERSION})


def said(
    offset: int, text: str, room: str | None = "r", by: str = "u", partition: int = 0, **more: Any
) -> Record:
    value = orjson.dumps({"text": text, "room": room, "by": by, **more})
    return Record(Position(TOPIC, partition, offset), 1_000, None, value)


def talk(*texts: str) -> list[Record]:
    return [said(offset, text) for offset, text in enumerate(texts)]


def stage(binding: Binding = BINDING) -> Stage:
    return Stage(binding)


def left_behind(**changes: Any) -> Checkpoint:
    """The checkpoint of an owner that released, before anything was published."""
    floors = {topic: Floor(0) for topic in BINDING.outputs_of(TOPIC)}
    return Checkpoint("other", 4, 0, True, floors=floors)._replace(**changes)


def shown(stage: Stage, text: str) -> list[str]:
    """The earlier messages that a text was judged with."""
    context = stage.classifier.contexts[text]
    assert context is not None
    return [line.text for line in context.lines]


def envelope(stage: Stage, at: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(stage.sink.sent[at][0].value or b"")
    return found


# What is remembered.


@given(
    st.lists(st.tuples(st.sampled_from(["r", "s", "t", None]), st.text(max_size=200))),
    st.builds(
        ContextTerms,
        messages=st.integers(0, 4),
        tokens_max=st.integers(20, 60),
        conversations_max=st.integers(1, 3),
    ),
)
def test_memory_is_bounded(said: list[tuple[str | None, str]], terms: ContextTerms) -> None:
    """Whatever is said where, no more is kept than could still be shown."""
    conversations = Conversations()
    for room, text in said:
        conversations.add(a_message(text, conversation=room), terms)
        assert len(conversations) <= (terms.conversations_max if terms.messages else 0)
        for kept in conversations._lately.values():
            assert len(kept) <= terms.messages
            assert sum(tokens_of(each.text) + LINE_TOKENS for each in kept) <= terms.tokens_max


def test_what_could_never_be_shown_again_is_not_kept() -> None:
    """Two of these fit together, so the third is forgotten with the next one."""
    conversations = Conversations()
    terms = ContextTerms(messages=4, tokens_max=60)
    for letter in "abcd":
        conversations.add(a_message(letter * 100, conversation="r"), terms)
    (kept,) = conversations._lately.values()
    assert [each.text[0] for each in kept] == ["c", "d"]


def test_what_fits_to_the_token_is_kept_and_shown() -> None:
    """Two messages that fill the room between them."""
    cost = tokens_of("a" * 100) + LINE_TOKENS
    conversations = Conversations()
    terms = ContextTerms(messages=4, tokens_max=2 * cost)
    for letter in "abc":
        context = conversations.add(a_message(letter * 100, conversation="r"), terms)
    assert [line.text[0] for line in context.lines] == ["a", "b"]
    context = conversations.add(a_message("d", conversation="r"), terms)
    assert [line.text[0] for line in context.lines] == ["b", "c"]


def test_the_least_recently_used_conversation_is_forgotten() -> None:
    terms = ContextTerms(messages=3, conversations_max=2)
    conversations = Conversations()
    for room in ("r", "s", "r", "t"):
        conversations.add(a_message(room, conversation=room), terms)
    assert not conversations.add(a_message("x", conversation="s"), terms).lines
    conversations = Conversations()
    for room in ("r", "s", "r", "t"):
        conversations.add(a_message(room, conversation=room), terms)
    assert conversations.add(a_message("x", conversation="r"), terms).lines == (
        Line("A", "r"),
        Line("A", "r"),
    )


# What a message is judged with.


async def test_a_message_is_judged_with_those_before_it_in_its_conversation() -> None:
    """Of its own room, in order, no more than asked for, and with what its record says of A."""
    at_work = stage()
    await at_work.own()
    at_work.intake.taken(
        [
            said(0, "OK 0"),
            said(1, "OK 1", by="other"),
            said(2, "OK elsewhere", room="s"),
            said(3, "OK nowhere", room=None),
            said(4, "OK 2"),
            said(5, "OK 3", age=3),
            said(6, "OK 4"),
        ]
    )
    await settle()
    context = at_work.classifier.contexts["OK 3"]
    assert context == (
        (Fact("age", "3"),),
        (Line("A", "OK 0"), Line("B", "OK 1"), Line("A", "OK 2")),
    )
    assert shown(at_work, "OK 4") == ["OK 1", "OK 2", "OK 3"]
    assert shown(at_work, "OK elsewhere") == []
    assert shown(at_work, "OK nowhere") == []
    by_offset = {found["position"]["offset"]: found["context"] for found in envelopes(at_work)}
    assert by_offset[5] == {"messages": 3, "author_facts": 1}
    assert by_offset[0] == {"messages": 0, "author_facts": 0}


def envelopes(stage: Stage) -> list[dict[str, Any]]:
    return [envelope(stage, at) for at in range(len(stage.sink.sent))]


async def test_context_does_not_depend_on_which_judgement_ends_first() -> None:
    """A message that takes long is context of the next, and never has a later one as its own."""
    at_work = stage()
    gate = at_work.hold("OK 0")
    await at_work.own()
    for taken in talk("OK 0", "OK 1", "OK 2"):
        at_work.intake.taken([taken])
        await settle()
    gate.set()
    await settle()
    assert [shown(at_work, f"OK {n}") for n in range(3)] == [[], ["OK 0"], ["OK 0", "OK 1"]]


async def test_records_that_wait_for_room_have_the_context_of_their_place() -> None:
    """Taken in one batch or one by one as places come free: the same context."""
    texts = [f"OK {n}" for n in range(6)]
    at_once = stage()
    await at_once.own()
    at_once.intake.taken(talk(*texts))
    await settle()
    crowded = stage()
    await crowded.own(0, left_behind(careful_until=9))
    crowded.intake.taken(talk(*texts))
    await settle()
    assert crowded.classifier.judged == texts[:1]
    assert len(crowded.intake._assignments[ZERO].unfinished.waiting) == 5
    for _ in texts:
        crowded.acknowledge()
        await settle()
    assert crowded.classifier.judged == texts
    assert crowded.classifier.contexts == at_once.classifier.contexts
    assert shown(crowded, "OK 5") == ["OK 2", "OK 3", "OK 4"]


async def test_what_was_done_before_is_still_context() -> None:
    """A record that is found done is not judged again, and is shown with the next one."""
    at_work = stage()
    at_work.tails.outputs[f"{TOPIC}.allow"] = {0: 1}
    await at_work.own(0, left_behind())
    at_work.intake.taken(talk("OK 0", "OK done", "OK 2"))
    await settle()
    assert at_work.classifier.judged == ["OK 0", "OK 2"]
    assert shown(at_work, "OK 2") == ["OK 0", "OK done"]


async def test_skipped_messages_are_context_and_unreadable_ones_are_not() -> None:
    at_work = stage()
    await at_work.own()
    broken = said(1, "")._replace(value=b"{")
    at_work.intake.taken([said(0, "OK bot", by="bot"), broken, said(2, "OK 2")])
    await settle()
    assert shown(at_work, "OK 2") == ["OK bot"]
    assert at_work.sink.topics.count(f"{TOPIC}.dead-letter") == 1
    skipped = next(found for found in envelopes_of_verdicts(at_work) if found["cause"] == "skipped")
    assert skipped["context"] == {"messages": 0, "author_facts": 0}


async def test_a_message_without_text_says_nothing_to_the_next_ones() -> None:
    """A reaction or a picture alone would be an empty line in their context."""
    at_work = stage()
    await at_work.own()
    silent = said(1, "")._replace(value=b'{"by":"bot","room":"r"}')
    at_work.intake.taken([said(0, "OK 0"), silent, said(2, "OK 2")])
    await settle()
    assert shown(at_work, "OK 2") == ["OK 0"]


def envelopes_of_verdicts(stage: Stage) -> list[dict[str, Any]]:
    return [
        orjson.loads(publication.value or b"")
        for publication, _ in stage.sink.sent
        if not publication.topic.endswith(".dead-letter")
    ]


async def test_partitions_share_no_conversation() -> None:
    """A room of the same name in another partition is another room."""
    at_work = stage()
    at_work.intake.assigned([at_work.assignment(), Assigned(Partition(TOPIC, 1), 99, 0)])
    await settle()
    at_work.intake.taken([said(0, "OK 0"), said(0, "OK 1", partition=1)])
    await settle()
    assert shown(at_work, "OK 1") == []


async def test_an_assignment_begins_without_context() -> None:
    """What was said under the last one is forgotten with it."""
    at_work = stage()
    await at_work.own()
    at_work.intake.taken(talk("OK 0"))
    await settle()
    old = at_work.intake._assignments[ZERO].conversations
    assert len(old) == 1
    at_work.intake.lost([ZERO])
    assert len(old) == 0
    await at_work.own(1)
    at_work.intake.taken([said(1, "OK 1")])
    await settle()
    assert shown(at_work, "OK 1") == []


async def test_a_reload_that_ends_context_forgets_it() -> None:
    at_work = stage()
    await at_work.own()
    at_work.intake.taken(talk("OK 0"))
    await settle()
    at_work.policies.__init__(replace(BINDING, context=None))  # type: ignore[misc]
    at_work.intake.taken([said(1, "OK 1")])
    await settle()
    assert at_work.classifier.contexts["OK 1"] is None
    assert len(at_work.intake._assignments[ZERO].conversations) == 0


async def test_without_context_nothing_is_read_ahead_or_said() -> None:
    """No topic pays for what it did not ask for: no memory, no field, and one decoding."""
    at_work = stage(replace(BINDING, context=None))
    await at_work.own()
    at_work.intake.taken(talk("OK 0", "OK 1"))
    flights = at_work.intake._assignments[ZERO].unfinished.admitted
    assert [flight.in_context for flight in flights.values()] == [None, None]
    await settle()
    assert at_work.classifier.contexts == {"OK 0": None, "OK 1": None}
    assert "context" not in envelope(at_work)


async def test_reviewers_see_what_was_said_before() -> None:
    """On the flag topic, as the model was shown it."""
    at_work = stage()
    await at_work.own()
    at_work.intake.taken([said(0, "OK 0", by="other"), said(1, "MAYBE 1"), said(2, "BAD 2")])
    await settle()
    by_topic = {
        publication.topic: orjson.loads(publication.value or b"")
        for publication, _ in at_work.sink.sent
    }
    assert by_topic[f"{TOPIC}.flag"]["message"]["context"] == [{"speaker": "B", "text": "OK 0"}]
    assert b"OK 0" not in orjson.dumps(by_topic[f"{TOPIC}.block"])


async def test_a_careful_partition_reads_nothing_that_is_done() -> None:
    """What ended earlier owners may have been the reading itself."""
    careful = stage()
    careful.tails.outputs[f"{TOPIC}.allow"] = {0: 0}
    await careful.own(0, left_behind(careful_until=9))
    careful.intake.taken(talk("OK done", "OK 1", "OK 2"))
    for _ in range(3):
        await settle()
        careful.acknowledge()
    assert careful.classifier.judged == ["OK 1", "OK 2"]
    assert shown(careful, "OK 2") == ["OK 1"]


async def test_what_is_done_does_not_overtake_what_waits_for_its_note() -> None:
    """A later message is never context of an earlier one."""
    careful = stage()
    careful.source.answer = None
    await careful.own(0, left_behind(careful_until=1, done=frozenset({1})))
    careful.source.answer_last()
    careful.intake.taken(talk("OK 0", "OK done"))
    await settle()
    assert careful.classifier.judged == []
    assert careful.intake.ledger.recovered == 1
    careful.source.answer_last()
    await settle()
    assert shown(careful, "OK 0") == []
