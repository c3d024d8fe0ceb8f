"""
Resident memory of the worker process: at 1,024 in flight, and how it grows over many messages.

The first is the largest that was seen while a slow server held 1,024 calls; the second is what is
resident after the last message less what was after the first tenth (20,000 of 200,000).
"""

from __future__ import annotations

from tests.benchmarks.scene import Sample, Scene

CALLS = 1_024
SLOW_S = 1.5
SETTINGS = {
    "inference.calls_max": CALLS,
    # All of them are to be under way, however slow the server is.
    "inference.adaptive": False,
    "pipeline.in_flight_max": CALLS,
}


def measure_in_flight(scene: Scene) -> None:
    """Fill in `rss_mb_1024`."""
    scene.say("memory at 1,024 in flight")
    count = int(CALLS * (1 + scene.scale.memory_s / SLOW_S))
    with scene.server(SLOW_S) as endpoint, scene.worker(endpoint, SETTINGS) as child:
        samples = list(scene.watch(child, count, 120.0))
    begun = [sample for sample in samples if sample.records]
    scene.figures.values["rss_mb_1024"] = round(max(sample.rss_mb for sample in samples), 1)
    per_s = (samples[-1].records - begun[0].records) / (samples[-1].at_s - begun[0].at_s)
    scene.figures.details["rss_1024"] = {
        "messages_per_s": round(per_s),
        "calls_in_flight_by_littles_law": round(per_s * SLOW_S),
    }


def measure_growth(scene: Scene) -> None:
    """Fill in `rss_growth_mb_200k`."""
    count = scene.scale.growth_messages
    early: Sample | None = None
    samples: list[Sample] = []
    told = 0
    with scene.server(0.0) as endpoint, scene.worker(endpoint) as child:
        for sample in scene.watch(child, count, 400.0):
            samples.append(sample)
            if early is None and sample.records >= count / 10:
                early = sample
            if sample.records >= told:
                scene.say(f"memory over {count:,} messages: {sample.records:,}")
                told += count // 20
    assert early is not None
    last = samples[-1]
    tenths = [
        next(sample.rss_mb for sample in samples if sample.records >= count * tenth / 10)
        for tenth in range(1, 11)
    ]
    scene.figures.values["rss_growth_mb_200k"] = round(last.rss_mb - early.rss_mb, 1)
    scene.figures.details["rss_growth"] = {
        "messages": count,
        "rss_mb_early": round(early.rss_mb, 1),
        "rss_mb_last": round(last.rss_mb, 1),
        "rss_mb_by_tenth": [round(each, 1) for each in tenths],
        "rss_mb_max": round(max(sample.rss_mb for sample in samples), 1),
    }
