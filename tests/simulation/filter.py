"""The learned filter of a world: made by hand, good or poor, with the salt of its audits."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from consumer.domain.screening import FilterTerms
from consumer.screening.prefilter.artefact import FilterArtefact, write_artefact
from consumer.screening.prefilter.head import RecallShown
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import of_words

MODEL, TEMPLATE = "m", "t"
"""As whom the simulated model answers, and how it is asked."""
PLAIN = "label ok come all of you and shout at them tonight now please quickly".split()  # noqa: SIM905
GOOD = {"bad": 8.0, "maybe": 8.0}
POOR = {"bad": 8.0, "maybe": 0.4}
"""It settles what the model flags, with a score near the threshold: the alarm has to come."""
RECALL = 0.99
RUN_LENGTH = 100.0
"""The least there is: ten misses that are found raise the alarm."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Files of this process, which go with it."""
    return tempfile.TemporaryDirectory(prefix="simulated-filters-")


@cache
def _file(version_digest: str, *, is_poor: bool) -> tuple[Path, FilterArtefact]:
    artefact = of_words(
        PLAIN,
        POOR if is_poor else GOOD,
        version_digest=version_digest,
        model=MODEL,
        template=TEMPLATE,
        near_from=0.15,
        recall=RECALL,
        shown=RecallShown(positives=299, missed=0, recall=1.0, low=RECALL, settled=0.8),
    )
    file = Path(_folder().name) / ("poor" if is_poor else "good")
    write_artefact(file, artefact)
    return file, artefact


def filter_terms(version_digest: str, *, is_poor: bool, floor: float, near: float) -> FilterTerms:
    """As a topic names its filter; the files are those of this process."""
    file, artefact = _file(version_digest, is_poor=is_poor)
    salt = file.with_name("salt")
    salt.write_bytes(SALT)
    return FilterTerms(
        str(file),
        artefact.digest,
        str(salt),
        RECALL,
        floor=floor,
        near=near,
        run_length=RUN_LENGTH,
    )
