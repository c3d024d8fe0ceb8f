"""`safeguard run` whose commits say nothing beside their offset: what the checkpoints cost."""

from __future__ import annotations

from consumer.cli import main
from consumer.domain.checkpoint import Checkpoint

Checkpoint.encode = lambda self, offset, topic: ""  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
