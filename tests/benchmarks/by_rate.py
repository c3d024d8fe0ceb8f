"""
What a message costs when messages come singly: CPU time and thread switches at fixed rates.

At full speed a worker shares wake-ups among many messages; a quiet chat has one at a time. Beside
the figures stands what handing over between two threads costs on this machine, since most of what
is lost at low rates is that.
"""

from __future__ import annotations

import threading
import time

from tests.benchmarks.children import Child, module
from tests.benchmarks.latency import GROUP, MODEL_S, RATE_STEP, capacity_per_s, wait_until_working
from tests.benchmarks.scene import Scene
from tests.benchmarks.workload import PACED

RATES = (50, 300)
HAND_OVERS = 20_000


def measure(scene: Scene) -> None:
    """Fill in `cpu_ms_by_rate`, `switches_by_rate` and `hand_over_us`."""
    half = max(RATE_STEP, int(capacity_per_s(scene) / 2) // RATE_STEP * RATE_STEP)
    cpu_ms: dict[str, float] = {}
    switches: dict[str, float] = {}
    for per_s in (*RATES, half):
        scene.say(f"CPU time and switches at {per_s}/s")
        cpu_ms[str(per_s)], switches[str(per_s)] = _at(scene, per_s)
    values = scene.figures.values
    values["cpu_ms_by_rate"] = cpu_ms
    values["switches_by_rate"] = switches
    values["hand_over_us"] = round(hand_over_us(), 1)


def _at(scene: Scene, per_s: int) -> tuple[float, float]:
    """Milliseconds of CPU time and switches of the worker's threads, for each message."""
    scale, brokers = scene.scale, scene.workload.bootstrap_servers
    seconds = scale.warm_s + scale.latency_s
    command = module(
        "feeder",
        *("--brokers", brokers, "--topic", PACED),
        *("--per-s", str(per_s), "--count", str(int(per_s * seconds))),
    )
    with scene.server(MODEL_S) as endpoint, scene.worker(endpoint, GROUP, PACED) as child:
        wait_until_working(brokers, child)
        with Child(scene.name("feeder"), command, scene.workload.folder):
            # The feeder goes on by itself: first it is not counted, then it is.
            time.sleep(scale.warm_s)
            before, before_s = child.usage(), time.monotonic()
            switched = child.switches()
            time.sleep(scale.latency_s - 1)
            messages = per_s * (time.monotonic() - before_s)
            used_s = child.usage().cpu_s - before.cpu_s
            switched = child.switches() - switched
    return round(used_s / messages * 1_000, 3), round(switched / messages, 2)


def hand_over_us() -> float:
    """Microseconds from one thread's word to the other's going on, there and back halved."""
    there, back = threading.Semaphore(0), threading.Semaphore(0)

    def answer() -> None:
        for _ in range(HAND_OVERS):
            there.acquire()
            back.release()

    thread = threading.Thread(target=answer)
    thread.start()
    started_s = time.perf_counter()
    for _ in range(HAND_OVERS):
        there.release()
        back.acquire()
    took_s = time.perf_counter() - started_s
    thread.join()
    return took_s / HAND_OVERS / 2 * 1_000_000
