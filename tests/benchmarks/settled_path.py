"""
Messages per CPU-second where a filter settles them: the worker beside a bare loop.

The bare loop consumes and produces and does nothing else, so that it is the least that any worker
costs; the model path is the same worker on messages that all go to a server that answers at once.
All three take turns in one run. A share of what is settled is audited, and goes to the model; it is
counted with the rest. `screen_us` is the CPU time of normalising a text and looking at it, and
nothing else, among as many as come together in that run.
"""

from __future__ import annotations

import time
from statistics import median

from consumer.screening.prefilter.artefact import FilterArtefact
from consumer.screening.prefilter.prefilter import Prefilter
from tests.benchmarks.children import Child, module
from tests.benchmarks.scene import Scene, Steady
from tests.benchmarks.settled import AUDITED, Talk
from tests.benchmarks.workload import SETTLED

TIMEOUT_S = 120.0
TEXTS = 20_000
"""Looked at before and while the cost of a look is measured: a worker knows its topic's words."""
TOGETHER = 128
"""As many as a worker takes at once where messages wait: half of what it may have in flight."""


def measure(scene: Scene) -> None:
    """Fill in `screened_vs_bare`, `screened_vs_model_path` and `screen_us`."""
    scene.say(f"writing {scene.scale.settled_messages:,} messages that a filter settles")
    artefact = scene.workload.fill_settled(scene.scale.settled_messages)
    found: dict[str, list[Steady]] = {}
    for number in range(scene.scale.rounds):
        for who, one in (("bare loop", _bare), ("settled", _settled), ("model path", _model_path)):
            scene.say(f"settled path, round {number + 1}: {who}")
            found.setdefault(who, []).append(one(scene))
    per_cpu_s = {who: median(each.per_cpu_s for each in steady) for who, steady in found.items()}
    values, details = scene.figures.values, scene.figures.details
    values["screened_vs_bare"] = round(per_cpu_s["settled"] / per_cpu_s["bare loop"], 3)
    values["screened_vs_model_path"] = round(per_cpu_s["settled"] / per_cpu_s["model path"], 2)
    together_us, alone_us = _look_us(artefact)
    values["screen_us"] = round(together_us, 1)
    details["settled_path"] = {
        "messages_per_cpu_s": {who: round(value) for who, value in per_cpu_s.items()},
        "messages_per_s": {
            who: round(median(each.per_s for each in steady)) for who, steady in found.items()
        },
        "audited": AUDITED,
        "screen_in_bare_messages": round(together_us * per_cpu_s["bare loop"] / 1_000_000, 1),
        "screen_alone_us": round(alone_us, 1),
    }


def _bare(scene: Scene) -> Steady:
    command = module(
        "bare_loop",
        *("--brokers", scene.workload.bootstrap_servers),
        *("--source", SETTLED, "--target", f"{SETTLED}.allow"),
        *("--group", scene.name("bare")),
    )
    with Child(scene.name("bare-loop"), command, scene.workload.folder) as child:
        return scene.steady(child, scene.scale.settled_messages, TIMEOUT_S, SETTLED)


def _settled(scene: Scene) -> Steady:
    with scene.server(0.0) as endpoint, scene.worker(endpoint, topic=SETTLED) as child:
        return scene.steady(child, scene.scale.settled_messages, TIMEOUT_S, SETTLED)


def _model_path(scene: Scene) -> Steady:
    with scene.server(0.0) as endpoint, scene.worker(endpoint) as child:
        return scene.steady(child, scene.scale.own_messages, TIMEOUT_S)


def _look_us(artefact: FilterArtefact) -> tuple[float, float]:
    """Of texts that come together, and of such that come one by one."""
    prefilter, talk = Prefilter(artefact), Talk(6)
    prefilter.looks([talk.text() for _ in range(TEXTS)])
    texts = [talk.text() for _ in range(TEXTS)]
    found = []
    for size in (TOGETHER, 1):
        started_s = time.process_time()
        for at in range(0, len(texts), size):
            prefilter.looks(texts[at : at + size])
        found.append((time.process_time() - started_s) / len(texts) * 1_000_000)
    return found[0], found[1]
