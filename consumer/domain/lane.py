"""
Lanes: whose message waits when the inference servers are full.

A real-time chat waits for nobody, a comment stream for the chat, a replay for both. A lane that is
not the first leaves room for the ones before it as long as those are in use, and none is starved.
"""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """The smaller, the sooner; the number is what servers are told as `priority`."""

    REAL_TIME = 0
    COMMENTS = 1
    REPLAY = 2

    @property
    def word(self) -> str:
        """As it is written in topic.toml."""
        return self.name.lower().replace("_", "-")


LANES = tuple(Lane)
LANE_WORDS = tuple(lane.word for lane in Lane)


def lane_of(word: str) -> Lane:
    """The lane that is written so."""
    return Lane(LANE_WORDS.index(word))


class LaneUse:
    """Which lanes were used of late; only for those is room kept."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._used_s = [float("-inf")] * len(Lane)

    def __repr__(self) -> str:
        return f"<LaneUse {self._used_s}>"

    def used(self, lane: Lane, now_s: float) -> None:
        self._used_s[lane] = now_s

    def is_preceded(self, lane: Lane, now_s: float) -> bool:
        """Whether a lane before this one is in use."""
        return any(now_s - used_s < self._kept_s for used_s in self._used_s[:lane])
