"""Cases decided together or handed to one person; drafts and notes; what was erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("alike", "assigned_to", "draft", "note"):
        op.add_column("cases", sa.Column(name, sa.Text))
    op.create_index("cases_by_assigned", "cases", ["assigned_to"])
    op.add_column("outbox", sa.Column("batch", sa.Text))
    op.create_index("outbox_by_batch", "outbox", ["batch"])
    op.create_table(
        "marks",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("mark", sa.Text, primary_key=True),
    )
    op.create_table(
        "erased",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("marks_by_mark", "marks", ["mark"])
