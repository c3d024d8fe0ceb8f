"""Tables: what the store holds; `migrations/` makes them, and a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    # As JSON: PostgreSQL holds no NUL in a text, and users' ids may hold anything.
    Column("message_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("queue", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("claimed_by", Text),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("held_until_ms", BigInteger, nullable=False),
    Column("moved_to", Text),
    Column("proposal", Text),
    Column("proposed_by", Text),
    Column("alike", Text),
    Column("assigned_to", Text),
    Column("draft", Text),
    Column("note", Text),
    Column("claimed_ms", BigInteger),
    Column("taken", Text),
    Index("cases_by_due", "is_open", "due_ms", "id"),
    Index("cases_by_queue", "queue", "is_open", "due_ms", "id"),
    Index("cases_by_claimant", "claimed_by"),
    Index("cases_by_assigned", "assigned_to"),
)

facts = Table(
    "facts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # Of the person in it, hashed: it is only compared.
    Column("actor", Text),
    # The revision of the case by then: what a claimant has not seen has a later one.
    Column("revision", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("facts_by_case", "case_id", "kind", "at_ms"),
    Index("facts_by_time", "at_ms"),
)

# By what cases are found: words of the text, the author and the labels, all but these hashed.
marks = Table(
    "marks",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Index("marks_by_mark", "mark"),
)

skips = Table(
    "skips",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("reviewer", Text, primary_key=True),
)

questioned = Table(
    "questioned",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("reviewer", Text, primary_key=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("decision_id", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("not_before_ms", BigInteger, nullable=False),
    # Where it was about to be written: what lies there from that offset on may be it.
    Column("floor_topic", Text),
    Column("floor_partition", Integer),
    Column("floor_offset", BigInteger),
    Column("tried_ms", BigInteger, nullable=False),
    Column("note", Text),
    Column("batch", Text),
    Index("outbox_by_state", "state", "number"),
    Index("outbox_by_decision", "decision_id"),
    Index("outbox_by_batch", "batch"),
    Index("outbox_by_case", "case_id"),
    sqlite_autoincrement=True,
)

# Cases and people, hashed: what is told of them from before that time is not taken up again.
erased = Table(
    "erased",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)

log = Table(
    "log",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("log_by_case", "case_id"),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

# Who is signed in at the console: by the hash of what their browser holds.
visits = Table(
    "visits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("visits_by_seen", "seen_ms"),
)

# What lets somebody in once, by its hash: links, and sign-ins that a provider is asked about.
openings = Table(
    "openings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

# How people want the console to be, as JSON.
preferences = Table(
    "preferences",
    metadata,
    Column("person", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

# Which texts somebody was shown on a day (of UTC, counted from 1970), and of what kind.
exposures = Table(
    "exposures",
    metadata,
    Column("person", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("exposures_by_time", "at_ms"),
    Index("exposures_by_case", "case_id"),
)

# What people said of decided cases without knowing the decision.
second_looks = Table(
    "second_looks",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("decision_id", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("decided_by", Text, nullable=False),
    Column("decided", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("second_looks_by_time", "at_ms"),
    Index("second_looks_by_decision", "decision_id"),
)

# Decided cases that everybody is asked about once.
golden = Table(
    "golden",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("made_by", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
