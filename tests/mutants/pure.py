"""
The modules that bugs are sampled from, and the tests that must see them.

They decide and do no I/O themselves, so that the unit tests alone can hold every line of them. A
module's own test file is found by its name; what stands here are the others that are about it.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULES: dict[str, tuple[str, ...]] = {
    "audit/index.py": (),
    "audit/order.py": (),
    "audit/sighting.py": (),
    "billing/prices.py": ("billing/test_sums.py", "billing/test_report.py"),
    "billing/report.py": (),
    "billing/sums.py": (),
    "classifier/answer.py": ("classifier/test_blame.py", "classifier/test_judge.py"),
    "classifier/asking.py": (
        "classifier/test_endings.py",
        "classifier/test_judge.py",
        "classifier/test_looks.py",
    ),
    "classifier/blame.py": (),
    "classifier/calibration.py": (),
    "classifier/certainty.py": (),
    "classifier/endpoint.py": (
        "classifier/test_endings.py",
        "classifier/test_judge.py",
        "classifier/test_fleet.py",
        "classifier/test_probe.py",
    ),
    "classifier/fleet.py": (
        "classifier/test_hedge.py",
        "classifier/test_endings.py",
        "classifier/test_judge.py",
    ),
    "classifier/hedge.py": ("classifier/test_fleet.py",),
    "classifier/judge.py": ("classifier/test_endings.py",),
    "classifier/knee.py": (),
    "classifier/looks.py": (),
    "classifier/parser.py": ("classifier/test_responses.py",),
    "classifier/prompt.py": (),
    "classifier/queue.py": ("classifier/test_fleet.py",),
    "classifier/request.py": ("classifier/test_responses.py",),
    "classifier/responses.py": (),
    "classifier/second_look.py": ("classifier/test_looks.py",),
    "classifier/segments.py": (),
    "classifier/usage.py": (),
    "classifier/wordings.py": ("classifier/test_blame.py",),
    "domain/binding.py": (),
    "domain/certainty.py": ("classifier/test_certainty.py", "domain/test_envelope.py"),
    "domain/checkpoint.py": (),
    "domain/context.py": (),
    "domain/control.py": (),
    "domain/decoding.py": (),
    "domain/envelope.py": (),
    "domain/lane.py": ("pipeline/test_limiter.py", "classifier/test_fleet.py"),
    "domain/message.py": ("domain/test_decoding.py", "domain/test_envelope.py"),
    "domain/policy.py": ("registry/test_load.py",),
    "domain/retry.py": (),
    "domain/usage.py": ("classifier/test_usage.py", "billing/test_sums.py"),
    "domain/verdict.py": (
        "domain/test_envelope.py",
        "pipeline/test_superseding.py",
        "classifier/test_judge.py",
    ),
    "evaluation/attacks.py": (),
    "evaluation/cases.py": (),
    "evaluation/scoring.py": (),
    "pipeline/budgets.py": (),
    "pipeline/conversations.py": (),
    "pipeline/lease.py": ("pipeline/test_recovery.py",),
    "pipeline/limiter.py": (),
    "pipeline/offsets.py": (),
    "pipeline/sequencer.py": (),
    "pipeline/superseding.py": (),
    "registry/lines.py": ("registry/test_load.py",),
    "reliability/breaker.py": ("classifier/test_judge.py",),
    "reliability/budget.py": (),
    "reliability/letter.py": (),
    "reliability/quantiles.py": (),
    "reliability/restarts.py": (),
    "reliability/retry.py": (),
    "reliability/selection.py": (),
    "telemetry/histogram.py": (),
    "telemetry/usage.py": (),
}
"""Below `consumer/` -> test files below `tests/unit/`, besides the one of the same name."""


def name_of(module: str) -> str:
    """As it is imported."""
    return "consumer." + module.removesuffix(".py").replace("/", ".")


def files_of(module: str) -> list[str]:
    """The files, from the root, its own first."""
    folder, _, name = module.rpartition("/")
    own = f"{folder}/test_{name}"
    is_there = (ROOT / "tests/unit" / own).exists()
    return [f"tests/unit/{each}" for each in ((own,) if is_there else ()) + MODULES[module]]
