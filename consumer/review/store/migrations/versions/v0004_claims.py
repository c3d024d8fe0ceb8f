"""Claims: since when somebody has a case, from whom a lead took it; the order in one queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("cases", sa.Column("claimed_ms", sa.BigInteger))
    op.add_column("cases", sa.Column("taken", sa.Text))
    op.create_index("cases_by_queue", "cases", ["queue", "is_open", "due_ms", "id"])
