"""AuditIndex: each kind of fault is found, and nothing else is called one."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.commands.audit.index import AuditIndex, temporary_index
from consumer.commands.audit.report import COUNTS, AuditReport, Range
from consumer.domain.messages.message import Headers, Position, Record
from consumer.domain.verdicts.verdict import verdict_id
from consumer.errors import Fatal

DEAD = "dead letter"


def an_input(
    offset: int, *, partition: int = 0, key: bytes | None = b"k", value: bytes | None = b"v"
) -> Record:
    return Record(Position("in", partition, offset), 1_000, key, value)


def an_output(
    of: int,
    at: int,
    *,
    outcome: str = "allow",
    topic: str | None = None,
    partition: int = 0,
    output: int | None = None,
    timestamp_ms: int = 2_000,
    group: bytes = b"mine",
    source: str = "in",
    more: Headers = (),
) -> Record:
    """The verdict or dead letter of the record at offset `of`, lying at offset `at`."""
    name = topic or f"in.{outcome}"
    kind = "safeguard-dead-letter-reason" if outcome == DEAD else "safeguard-outcome"
    headers: Headers = (
        ("safeguard-position", f"{source}/{partition}/{of}".encode()),
        ("safeguard-group", group),
        (kind, outcome.encode()),
        *more,
    )
    lies_at = Position(name, partition if output is None else output, at)
    return Record(lies_at, timestamp_ms, None, b"v", headers)


def tombstones(record: Record) -> bool:
    return record.value is None


def nothing(record: Record) -> bool:
    return False


def report_of(
    inputs: list[Record],
    outputs: list[Record],
    *,
    is_ordered: bool = True,
    passes_tombstones: bool = False,
    starts: dict[int, int] = {},
    source: str = "",
) -> AuditReport:
    is_passed_over = tombstones if passes_tombstones else nothing
    with temporary_index(
        "in", "mine", is_passed_over=is_passed_over, starts=starts, source=source
    ) as index:
        index.add_outputs(outputs)
        index.add_inputs(inputs)
        return index.report([Range(0, 0, 100)], is_ordered=is_ordered)


def counts(report: AuditReport) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: count for name, count in report.counts.items() if count}


def test_verdicts_and_dead_letters_account_for_messages() -> None:
    """Each record with one of them: clean."""
    found = report_of(
        [an_input(0), an_input(1), an_input(2)],
        [an_output(0, 0), an_output(1, 0, outcome=DEAD), an_output(2, 0, outcome="block")],
    )
    assert counts(found) == {"messages": 3, "verdicts": 2, "dead_letters": 1}
    assert found.is_clean
    assert found.examples == {}
    assert found.partitions == ((Range(0, 0, 100), 3),)


def test_a_record_with_neither_is_missing() -> None:
    """Offsets that the input does not have, between and around, are not."""
    found = report_of([an_input(3), an_input(9), an_input(50)], [an_output(9, 0)])

    assert counts(found) == {"messages": 3, "verdicts": 1, "missing": 2}
    assert found.examples == {"missing": ("in/0/3", "in/0/50")}
    assert not found.is_clean


def test_a_tombstone_is_passed_over_only_where_the_binding_says_so() -> None:
    """A null value is a message like any other, unless told otherwise."""
    inputs = [an_input(0, value=None), an_input(1, value=None), an_input(2, value=b"")]
    outputs = [an_output(1, 0, outcome=DEAD)]

    assert counts(report_of(inputs, outputs)) == {"messages": 3, "dead_letters": 1, "missing": 2}
    passing = report_of(inputs, outputs, passes_tombstones=True)
    assert counts(passing) == {"messages": 3, "dead_letters": 1, "passed_over": 1, "missing": 1}
    assert passing.examples == {"missing": ("in/0/2",)}


def test_repeats_of_one_verdict_are_counted() -> None:
    """Extra records, not positions; consumers that deduplicate see them as one, and others not."""
    again = [an_output(0, 0), an_output(0, 1), an_output(0, 5)]
    letters = [an_output(1, at, outcome=DEAD) for at in (0, 1)]
    found = report_of([an_input(0), an_input(1)], again + letters)

    assert counts(found) == {
        "messages": 2,
        "verdicts": 1,
        "dead_letters": 1,
        "duplicated_same_verdict": 3,
    }
    assert found.examples == {"duplicated_same_verdict": ("in/0/0", "in/0/1")}
    assert not found.is_clean


@pytest.mark.parametrize("source", ["new-id", ""])
def test_verdicts_on_an_earlier_topic_of_the_name_are_told_apart(source: str) -> None:
    """Their positions name records that are no more: they prove nothing and contradict nothing."""

    def of_topic(source: str, of: int, at: int, outcome: str) -> Record:
        digest = b"d" * 32
        name = verdict_id(source, Position("in", 0, of), "mine", digest.decode())
        more = (("safeguard-verdict-id", name.encode()), ("safeguard-policy-digest", digest))
        return an_output(of, at, outcome=outcome, more=more)

    outputs = [
        of_topic("old-id", 0, 0, "block"),
        of_topic("old-id", 1, 0, "allow"),
        of_topic(source or "in", 0, 1, "allow"),
        an_output(2, 0, outcome=DEAD, more=(("safeguard-topic-id", b"old-id"),)),
        an_output(2, 1, outcome=DEAD, more=(("safeguard-topic-id", (source or "in").encode()),)),
        an_output(3, 2, outcome=DEAD),
    ]
    found = report_of([an_input(n) for n in range(4)], outputs, source=source)

    assert counts(found) == {
        "messages": 4,
        "verdicts": 1,
        "dead_letters": 2,
        "missing": 1,
        "earlier": 3,
    }
    assert found.examples["missing"] == ("in/0/1",)


def test_what_the_group_has_not_finished_waits_and_is_not_missing() -> None:
    """Above the commit, and not named as done beside it; what has come out is counted as that."""
    with temporary_index("in", "mine") as index:
        index.add_inputs([an_input(offset, key=None) for offset in range(6)])
        index.add_inputs([an_input(0, partition=1)])
        index.add_progress(0, 2, [4])
        index.add_outputs([an_output(0, 0), an_output(5, 1)])
        found = index.report([Range(0, 0, 6)])

    assert counts(found) == {"messages": 7, "verdicts": 2, "waiting": 2, "missing": 3}
    assert found.examples == {"missing": ("in/0/1", "in/0/4", "in/1/0")}


@pytest.mark.parametrize(
    "second",
    [
        an_output(0, 0, outcome="block"),
        an_output(0, 1, outcome="block", topic="in.allow"),
        an_output(0, 0, outcome="allow", topic="in.flag"),
        an_output(0, 0, outcome=DEAD),
    ],
)
def test_two_outcomes_or_destinations_contradict(second: Record) -> None:
    """Counted by position, and never as repeats too."""
    found = report_of([an_input(0)], [an_output(0, 0), second, an_output(0, 7)])

    assert found.contradicting == 1
    assert found.duplicated_same_verdict == 0
    assert found.examples == {"contradicting": ("in/0/0",)}
    assert not found.is_clean


def test_a_superseding_verdict_is_counted_apart() -> None:
    """It neither contradicts nor repeats, and alone it does not make up for a first verdict."""
    by = (("safeguard-supersedes", b"x"),)
    appeal = an_output(0, 1, outcome="block", more=by)
    judged = report_of([an_input(0)], [an_output(0, 0), appeal])

    assert counts(judged) == {"messages": 1, "verdicts": 1, "superseded": 1}
    assert counts(report_of([an_input(0)], [appeal])) == {
        "messages": 1,
        "missing": 1,
        "superseded": 1,
    }


def test_other_groups_and_inputs_are_counted_and_ignored() -> None:
    """Another group's block is no contradiction, and its verdict covers nothing."""
    outputs = [
        an_output(0, 0),
        an_output(0, 0, outcome="block", group=b"other"),
        an_output(1, 1, group=b"other"),
        an_output(1, 2, source="another"),
    ]
    found = report_of([an_input(0), an_input(1)], outputs)

    assert counts(found) == {"messages": 2, "verdicts": 1, "missing": 1, "foreign": 3}


def test_own_verdicts_of_records_that_were_not_read_are_unknown() -> None:
    """Retention took the records; that they contradict each other is still a fault."""
    outputs = [an_output(3, 0), an_output(4, 1), an_output(4, 0, outcome="flag"), an_output(7, 2)]
    found = report_of([an_input(7)], outputs)

    assert counts(found) == {"messages": 1, "verdicts": 1, "contradicting": 1, "unknown": 3}
    assert found.examples == {"contradicting": ("in/0/4",), "unknown": ("in/0/3", "in/0/4")}


def test_what_lies_before_the_start_asked_for_is_not_looked_into() -> None:
    """It is unknown, whatever it says; other partitions have starts of their own."""
    outputs = [an_output(4, 0), an_output(4, 0, outcome="flag"), an_output(5, 1)]
    outputs.append(an_output(4, 0, partition=1))
    found = report_of([an_input(5), an_input(4, partition=1)], outputs, starts={0: 5})

    assert counts(found) == {"messages": 2, "verdicts": 2, "unknown": 2}
    assert found.examples == {"unknown": ("in/0/4", "in/0/4")}
    assert found.partitions == ((Range(0, 0, 100), 1),)
    assert report_of([], []).partitions == ((Range(0, 0, 100), 0),)


def test_something_has_to_come_of_every_record_where_nothing_else_is_said() -> None:
    """A set that passes something over says so."""
    with temporary_index("in", "mine") as index:
        index.add_inputs([an_input(0)])
        assert counts(index.report([])) == {"messages": 1, "missing": 1}
    index = AuditIndex("in", "mine")
    index.add_inputs([an_input(0)])
    assert counts(index.report([])) == {"messages": 1, "missing": 1}
    index.close()


def test_the_index_is_gone_at_the_end_of_its_block() -> None:
    with temporary_index("in", "mine") as index:
        index.add_inputs([an_input(0)])
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        index.add_inputs([an_input(1)])


def test_an_unreadable_verdict_is_unknown_and_covers_nothing() -> None:
    """The example says where it lies, for it does not say whose it is."""
    found = report_of([an_input(0)], [an_output(0, 6, outcome="perhaps", topic="in.allow")])

    assert counts(found) == {"messages": 1, "missing": 1, "unknown": 1}
    assert found.examples["unknown"] == ("in.allow/0/6",)


def test_a_key_out_of_order_is_found_within_an_output() -> None:
    """By offsets, even where the times agree."""
    inputs = [an_input(0), an_input(1), an_input(2)]
    found = report_of(inputs, [an_output(0, 5), an_output(1, 4), an_output(2, 6)])

    assert counts(found) == {"messages": 3, "verdicts": 3, "out_of_order": 1}
    assert found.examples == {"out_of_order": ("in/0/1",)}
    assert not found.is_clean


def test_a_key_out_of_order_is_found_across_outputs() -> None:
    """By the time of writing, of which equal ones prove nothing."""
    inputs = [an_input(0), an_input(1)]
    later = an_output(0, 0, timestamp_ms=2_001)

    assert report_of(inputs, [later, an_output(1, 0, outcome="flag")]).out_of_order == 1
    assert report_of(inputs, [later, an_output(1, 0, outcome=DEAD)]).out_of_order == 1
    level = an_output(1, 0, outcome="flag", timestamp_ms=2_001)
    assert report_of(inputs, [later, level]).out_of_order == 0


def test_only_records_of_one_key_and_partition_have_an_order() -> None:
    """Other keys, other partitions and null keys go as they like."""
    late, early = an_output(0, 5), an_output(1, 4)
    assert report_of([an_input(0), an_input(1)], [late, early]).out_of_order == 1
    assert report_of([an_input(0), an_input(1, key=b"j")], [late, early]).is_clean
    assert report_of([an_input(0, key=None), an_input(1, key=None)], [late, early]).is_clean
    assert report_of([an_input(0), an_input(1)], [late, early], is_ordered=False).is_clean
    other = an_output(1, 4, partition=1, output=0)
    assert report_of([an_input(0), an_input(1, partition=1)], [late, other]).is_clean


def test_a_key_that_is_empty_is_a_key() -> None:
    """Only null has no order."""
    inputs = [an_input(0, key=b""), an_input(1, key=b"")]

    assert report_of(inputs, [an_output(0, 5), an_output(1, 4)]).out_of_order == 1


def test_only_the_first_of_repeats_counts_for_order() -> None:
    """A worker that repeats its tail after a crash disorders nothing."""
    inputs = [an_input(0), an_input(1)]
    repeated = [an_output(0, 0), an_output(1, 1), an_output(0, 2), an_output(1, 3)]

    assert report_of(inputs, repeated).out_of_order == 0
    wrong_first = [an_output(1, 0), an_output(0, 1), an_output(1, 2)]
    assert report_of(inputs, wrong_first).out_of_order == 1


def test_a_record_read_twice_counts_once() -> None:
    """A client that fetches again after a lost connection changes nothing."""
    found = report_of([an_input(0), an_input(0)], [an_output(0, 0), an_output(0, 0)])

    assert counts(found) == {"messages": 1, "verdicts": 1}


def test_at_most_ten_examples_are_given() -> None:
    """The counts go on."""
    missing = [an_input(offset, partition=1) for offset in range(12)]
    backwards = [an_output(offset, 20 - offset) for offset in range(13)]
    unreadable = [an_output(0, 30 + n, outcome="perhaps", topic="in.allow") for n in range(11)]
    found = report_of(
        [*missing, *(an_input(offset) for offset in range(13))], backwards + unreadable
    )
    assert (found.missing, found.out_of_order, found.unknown) == (12, 12, 11)
    assert found.examples == {
        "missing": tuple(f"in/1/{offset}" for offset in range(10)),
        "out_of_order": tuple(f"in/0/{offset}" for offset in range(1, 11)),
        "unknown": tuple(f"in.allow/0/{offset}" for offset in range(30, 40)),
    }


def test_the_report_has_the_names_that_others_build_on() -> None:
    """JSON and plain lines say the same."""
    found = report_of([an_input(0)], [])

    assert found.fields == {
        "topic": "in",
        "group": "mine",
        "partitions": [{"partition": 0, "start": 0, "end": 100, "messages": 1}],
        "messages": 1,
        "verdicts": 0,
        "dead_letters": 0,
        "passed_over": 0,
        "waiting": 0,
        "missing": 1,
        "duplicated_same_verdict": 0,
        "contradicting": 0,
        "superseded": 0,
        "out_of_order": 0,
        "earlier": 0,
        "foreign": 0,
        "unknown": 0,
        "examples": {"missing": ["in/0/0"]},
        "looked_at": "",
    }
    lines = list(found.lines())
    assert lines[0] == "in, group mine, 1 partition"
    assert [line.split() for line in lines[1:-1]] == [[n, str(found.counts[n])] for n in COUNTS]
    assert lines[-1] == "  missing: in/0/0"


def test_an_index_that_cannot_be_kept_is_an_error_with_a_remedy() -> None:
    """A full disk names TMPDIR, not a line of SQL."""

    def fail(index: AuditIndex) -> None:
        index.close()
        index.add_inputs([an_input(0)])

    with pytest.raises(Fatal, match="TMPDIR"), temporary_index("in", "mine") as index:
        fail(index)


class Out(NamedTuple):
    """One record drawn for an output."""

    topic: str
    partition: int
    timestamp_ms: int
    source: tuple[int, int]
    outcome: str
    kind: str


KEYS = st.sampled_from([None, b"a", b"b"])
VALUES = st.sampled_from([None, b"v"])
INPUTS = st.dictionaries(
    st.tuples(st.integers(0, 1), st.integers(0, 6)), st.tuples(KEYS, VALUES), max_size=14
)
OUTS = st.lists(
    st.builds(
        Out,
        topic=st.sampled_from(["in.allow", "in.allow", "in.flag", "in.dead-letter"]),
        partition=st.integers(0, 1),
        timestamp_ms=st.integers(-1, 4),
        source=st.tuples(st.integers(0, 1), st.integers(0, 6)),
        outcome=st.sampled_from(["allow", "allow", "flag", DEAD]),
        kind=st.sampled_from(["own"] * 6 + ["other", "superseding"]),
    ),
    max_size=30,
)


def expected(
    inputs: dict[tuple[int, int], tuple[bytes | None, bytes | None]],
    outs: list[tuple[Out, int]],
    passes_tombstones: bool,
) -> dict[str, int]:
    """The same accounts, kept in plain dictionaries and with every pair compared."""
    own: dict[tuple[int, int], list[tuple[Out, int]]] = defaultdict(list)
    tally = dict.fromkeys(COUNTS, 0)
    for out, at in outs:
        if out.kind == "own":
            own[out.source].append((out, at))
        tally["foreign"] += out.kind == "other"
        tally["superseded"] += out.kind == "superseding"
    for position, (_, value) in inputs.items():
        fates = {out.outcome for out, _ in own.get(position, ())}
        tally["messages"] += 1
        tally["verdicts"] += bool(fates - {DEAD})
        tally["dead_letters"] += DEAD in fates
        if not fates:
            tally["passed_over" if passes_tombstones and value is None else "missing"] += 1
    for position, found in own.items():
        tally["unknown"] += len(found) if position not in inputs else 0
        if len({(out.outcome, out.topic) for out, _ in found}) > 1:
            tally["contradicting"] += 1
        else:
            tally["duplicated_same_verdict"] += len(found) - 1
    topics = [out.topic for out, _ in outs if out.kind == "own"]
    firsts = {position: first(found, topics) for position, found in own.items()}
    for position, late in firsts.items():
        key = inputs.get(position, (None,))[0]
        tally["out_of_order"] += key is not None and any(
            is_after(firsts[before], late)
            for before in firsts
            if before[0] == position[0]
            and before < position
            and inputs.get(before, (None,))[0] == key
        )
    return tally


def first(found: list[tuple[Out, int]], topics: list[str]) -> tuple[Out, int]:
    """The lowest offset of each output partition, and of those the oldest."""
    firsts = [
        (out, at)
        for out, at in found
        if not any(o[:2] == out[:2] and other < at for o, other in found)
    ]
    # Of equally old ones it is the topic that was met first.
    return min(
        firsts,
        key=lambda each: (each[0].timestamp_ms, topics.index(each[0].topic), each[0].partition),
    )


def is_after(one: tuple[Out, int], two: tuple[Out, int]) -> bool:
    """Whether it is proved that one was written after two."""
    if one[0][:2] == two[0][:2]:
        return one[1] > two[1]
    return 0 <= two[0].timestamp_ms < one[0].timestamp_ms


@settings(max_examples=400, deadline=None)
@given(INPUTS, OUTS, st.booleans(), st.integers(0, 7))
def test_the_accounts_are_those_of_a_naive_oracle(
    inputs: dict[tuple[int, int], tuple[bytes | None, bytes | None]],
    outs: list[Out],
    passes_tombstones: bool,
    cut: int,
) -> None:
    """Whatever lies on the topics, in whatever order and batches it is read."""
    ends: dict[tuple[str, int], int] = defaultdict(int)
    placed: list[tuple[Out, int]] = []
    records: list[Record] = []
    for out in outs:
        at = ends[out[:2]]
        ends[out[:2]] += 1
        placed.append((out, at))
        records.append(
            an_output(
                out.source[1],
                at,
                outcome=out.outcome,
                topic=out.topic,
                partition=out.source[0],
                output=out.partition,
                timestamp_ms=out.timestamp_ms,
                group=b"other" if out.kind == "other" else b"mine",
                more=(("safeguard-supersedes", b"x"),) if out.kind == "superseding" else (),
            )
        )
    is_passed_over = tombstones if passes_tombstones else nothing
    with temporary_index("in", "mine", is_passed_over=is_passed_over) as index:
        index.add_outputs(records[:cut])
        index.add_inputs(
            [an_input(o, partition=p, key=k, value=v) for (p, o), (k, v) in inputs.items()]
        )
        index.add_outputs(records[cut:])
        found = index.report([])

    assert found.counts == expected(inputs, placed, passes_tombstones)
