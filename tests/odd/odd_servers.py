"""
`python -m tests.odd.odd_servers`: the real worker against servers that answer oddly.

Every row (`rows/`) is played to single messages, to the first calls of a message and to everything:
with one endpoint, over either transport, with two of which one is well, with two that are both odd,
with hedging, and before anything was ever judged. `build/odd_servers.json` says how many plays went
wrong; `build/odd/` holds the workers' logs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.benchmarks.machine import describe
from tests.brokers.kafka import RealKafka
from tests.brokers.runtime import RuntimeUnavailable
from tests.odd import play
from tests.odd.play import GOOD, Play
from tests.odd.row import Meaning, Row
from tests.odd.rows.faults import FAULTS
from tests.odd.rows.features import FEATURES, Feature
from tests.odd.rows.judgements import DRESSES
from tests.odd.rows.outages import OUTAGES
from tests.odd.rows.refusals import REFUSALS
from tests.odd.scene import ROOT, Scene

ROWS = REFUSALS + FAULTS + OUTAGES + DRESSES
CROWD = 100
AT_ONCE = 60
"""So many odd messages, and as many good ones, are judged at the same time."""
HEDGED_FROM = 260
"""So many answers must have come before any call is hedged."""


class Setting(NamedTuple):
    """What the worker is set up with."""

    name: str
    odd: int = 1
    well: int = 0
    inference: str = ""
    slowest_s: float = 0.0
    warm_up: int = 6
    is_alone: bool = False
    """Nothing but single rows, one by one, while nobody else is judged."""


SETTINGS = (
    Setting("one"),
    Setting("alone", is_alone=True),
    Setting("pair", odd=1, well=1),
    Setting("both", odd=2),
    Setting("sdk", inference='transport = "sdk"'),
    Setting(
        "hedged",
        inference="hedge_at = 0.5\nhedge_share_max = 0.5",
        slowest_s=0.04,
        warm_up=HEDGED_FROM,
    ),
)


class Program(NamedTuple):
    """What is played."""

    rows: Sequence[Row]
    features: Sequence[Feature]
    settings: Sequence[Setting] = SETTINGS
    crowd: int = CROWD


def run_scene(program: Program, setting: Setting, kafka: RealKafka, folder: Path) -> Iterator[Play]:
    """One worker through all of it."""
    with Scene(
        setting.name,
        kafka,
        folder,
        odd=setting.odd,
        well=setting.well,
        inference=setting.inference,
        slowest_s=setting.slowest_s,
    ) as scene:
        scene.start()
        scene.wait_for(scene.write(GOOD * (setting.warm_up // len(GOOD))))
        yield from play.quoting(scene)
        if setting.is_alone:
            # What lasts until the deadline lasts as long beside others.
            rows = [row for row in program.rows if row.meaning is not Meaning.LOAD]
            yield from play.singly(scene, rows, 1)
            yield from play.each_once(scene)
            return
        yield from play.singly(scene, program.rows, AT_ONCE)
        yield from play.is_well(scene, "single rows")
        yield from play.crowd(scene, program.rows[0], program.crowd)
        for row in program.rows:
            if row.to_all and scene.worker.is_running:
                yield from play.to_everything(scene, row)
        if setting.odd + setting.well == 1:
            for feature in program.features:
                yield from play.lacking(scene, feature)
        yield from play.each_once(scene)


def run_starts(program: Program, kafka: RealKafka, folder: Path) -> Iterator[Play]:
    """Each row that may stand at the very beginning, in a scene of its own."""
    for row in program.rows:
        if row.to_all and (row.is_fatal_at_start or row.is_at_start):
            with Scene(f"start-{row.name}", kafka, folder) as scene:
                yield from play.at_the_start(scene, row)


def run(
    program: Program, folder: Path, tell: Callable[[Play], None] = lambda play: None
) -> list[Play]:
    """Play the program, its settings at the same time; `folder` is emptied and keeps the logs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found: list[Play] = []
    lock = threading.Lock()

    def collect(plays: Iterator[Play]) -> None:
        for each in plays:
            with lock:
                found.append(each)
                tell(each)

    with tempfile.TemporaryDirectory(prefix="odd-") as data, RealKafka(Path(data)) as kafka:
        parts = [run_scene(program, each, kafka, folder) for each in program.settings]
        parts.append(run_starts(program, kafka, folder))
        with ThreadPoolExecutor(len(parts)) as threads:
            for done in [threads.submit(collect, part) for part in parts]:
                done.result()
    return found


def main() -> int:
    """Returns 0 where every message had the outcome of the table, else 1."""
    given = _arguments()
    rows = [row for row in ROWS if given.only in row.name]
    features = [feature for feature in FEATURES if given.only in feature.name]
    settings = [each for each in SETTINGS if each.name in given.settings.split(",")]
    began_s = time.monotonic()

    def tell(each: Play) -> None:
        if each.wrong:
            line = f"WRONG {each.scene}: {each.row}, {each.how}: {each.wrong}"
            print(f"{time.monotonic() - began_s:6.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        found = run(Program(rows, features, settings), given.out / "odd", tell)
    except RuntimeUnavailable as reason:
        sys.exit(str(reason))
    wrong = [each for each in found if each.wrong]
    report = {
        "rows": len(found),
        "wrong": len(wrong),
        "answers": len(rows) + len(features),
        "examples": [each._asdict() for each in wrong[:100]],
        "duration_s": round(time.monotonic() - began_s, 1),
        "machine": describe(),
    }
    (given.out / "odd_servers.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    print(f"{len(found)} plays of {len(rows) + len(features)} answers, {len(wrong)} wrong")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.odd.odd_servers",
        description="A worker on a real broker against servers that answer oddly.",
        epilog="Example: python -m tests.odd.odd_servers --only 404 --settings one,hedged",
    )
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--settings", default=",".join(each.name for each in SETTINGS))
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
