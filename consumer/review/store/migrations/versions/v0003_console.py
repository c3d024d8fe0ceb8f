"""The console: who is signed in, what lets them in, and how they want it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("visits_by_seen", "visits", ["seen_ms"])
    op.create_table(
        "openings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "preferences",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("facts_by_time", "facts", ["at_ms"])
    op.create_index("outbox_by_case", "outbox", ["case_id"])
    op.create_table(
        "exposures",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("exposures_by_time", "exposures", ["at_ms"])
    op.create_index("exposures_by_case", "exposures", ["case_id"])
    op.create_table(
        "second_looks",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("decision_id", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("second_looks_by_time", "second_looks", ["at_ms"])
    op.create_index("second_looks_by_decision", "second_looks", ["decision_id"])
    op.create_table(
        "golden",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
