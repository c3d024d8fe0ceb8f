"""What a run of `safeguard rejudge` found and did: as lines for a person, as fields of JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from consumer.commands.dead_letters.selection import age
from consumer.commands.rejudge.replay import OpenVerdict
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.headers import rfc3339


@dataclass
class Summary:
    """What a run found and did."""

    topic: str
    run: str
    """The digest of the policies that are judged by: it is what the ids are made of."""
    dry_run: bool
    shared: str | None = None
    """What was shared from this verdict was meant."""
    chosen: list[OpenVerdict] = field(default_factory=list)
    left: int = 0
    """Beyond the limit."""
    earlier: int = 0
    """Of an earlier topic of the same name."""
    superseded: Counter[Outcome] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    """Those that keep their verdict, by the reason."""
    gone: int = 0
    _superseded_before: int = 0
    """Until it was another run's turn and this one had to look again."""

    def look_anew(self, chosen: list[OpenVerdict], left: int, earlier: int) -> None:
        """What is open now; what was stored stays counted, what could not be judged is tried."""
        self.chosen, self.left, self.earlier = chosen, left, earlier
        self.unjudged.clear()
        self.gone = 0
        self._superseded_before = self.superseded.total()

    @property
    def is_clean(self) -> bool:
        return not self.unjudged and not self.gone

    @property
    def fields(self) -> dict[str, object]:
        found: dict[str, object] = {
            "topic": self.topic,
            "run": None if self.dry_run else self.run,
            "dry_run": self.dry_run,
            "shared": self.shared,
            "found": self._superseded_before + len(self.chosen) + self.left,
            "superseded": self.superseded.total(),
            "outcomes": {outcome.value: self.superseded[outcome] for outcome in Outcome},
            "unjudged": self.unjudged.total(),
            "unjudged_reasons": {str(reason): count for reason, count in self.unjudged.items()},
            "gone": self.gone,
            "left": self.left,
            "earlier_topic": self.earlier,
        }
        if self.dry_run:
            found["verdicts"] = [
                {
                    "id": unjudged.id,
                    "position": str(unjudged.position),
                    "reason": unjudged.reason,
                    "written_at": rfc3339(unjudged.written_ms),
                }
                for unjudged in self.chosen
            ]
        return found

    def lines(self, now_ms: int) -> Iterator[str]:
        if self.dry_run:
            for unjudged in self.chosen:
                reason = unjudged.reason or ("shared" if self.shared else "not known")
                yield f"{unjudged.position}  {reason}  {age(now_ms - unjudged.written_ms)}"
            yield f"{len(self.chosen)} of {self.topic} would be judged again; nothing was done"
        else:
            yield f"{self.superseded.total()} superseded{_counts(self.superseded)}, run {self.run}"
        if self.unjudged:
            counts = _counts(self.unjudged)
            yield f"{self.unjudged.total()} not judged this time either{counts}: they stay so"
        if self.gone:
            yield f"{self.gone} gone: the input keeps their records no longer"
        if self.left:
            yield f"{self.left} left for the next time: beyond --limit"
        if self.earlier:
            yield f"{self.earlier} left alone: of an earlier topic of this name"


def _counts(counter: Counter[Outcome] | Counter[str]) -> str:
    words = ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
    return f" ({words})" if words else ""
