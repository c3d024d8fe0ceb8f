"""Claims: since when somebody has a case, and from whom a lead took it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("cases", sa.Column("claimed_ms", sa.BigInteger))
    op.add_column("cases", sa.Column("taken", sa.Text))
