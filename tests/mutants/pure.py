"""
The modules that bugs are sampled from, and the tests that must see them.

They decide and do no I/O themselves, so that the unit tests alone can hold every line of them. A
module's own test file is found by its name; what stands here are the others that are about it.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULES: dict[str, tuple[str, ...]] = {
    "commands/prefilter/answers.py": (),
    "commands/prefilter/slices.py": ("commands/prefilter/test_curve.py",),
    "screening/audits/draw.py": (),
    "screening/audits/evidence.py": ("screening/audits/test_betting.py",),
    "screening/audits/prevalence.py": ("screening/audits/test_watch.py",),
    "screening/audits/terms.py": ("screening/audits/test_draw.py",),
    "screening/audits/watch.py": (),
    "screening/audited.py": ("screening/test_filtering.py",),
    "screening/decision/nearness.py": ("screening/decision/test_fit.py",),
    "screening/filtering.py": (),
    "screening/prefilter/example.py": ("screening/prefilter/test_recall.py",),
    "screening/prefilter/lexicon.py": (),
    "screening/prefilter/prefilter.py": (
        "screening/prefilter/test_train.py",
        "screening/prefilter/test_lexicon.py",
        "screening/prefilter/test_parts.py",
    ),
    "screening/prefilter/recall.py": (),
    "screening/prefilter/scorer.py": ("screening/prefilter/test_lexicon.py",),
    "commands/audit/index.py": (),
    "commands/audit/order.py": (),
    "commands/audit/published.py": ("commands/audit/test_index.py",),
    "commands/review/quality.py": (),
    "commands/costs/prices.py": ("commands/costs/test_sums.py", "commands/costs/test_report.py"),
    "commands/costs/report.py": (),
    "commands/costs/sums.py": (),
    "classifier/answer.py": ("inference/blame/test_blame.py", "classifier/test_judge.py"),
    "classifier/asking/aftermath.py": (
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "classifier/asking/asker.py": (
        "classifier/asking/test_endings.py",
        "classifier/asking/test_second_calls.py",
        "classifier/test_judge.py",
        "classifier/confidence/test_looks.py",
    ),
    "classifier/asking/course.py": (
        "classifier/asking/test_endings.py",
        "classifier/asking/test_second_calls.py",
        "classifier/test_judge.py",
    ),
    "classifier/asking/outage.py": (
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "inference/blame/blame.py": (),
    "inference/blame/refusal.py": ("classifier/test_parser.py",),
    "inference/blame/failures.py": ("inference/blame/test_blame.py",),
    "classifier/confidence/calibration.py": (),
    "classifier/confidence/certainty.py": (),
    "inference/fleet/endpoint.py": (
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
        "inference/fleet/test_fleet.py",
        "classifier/probing/test_probe.py",
    ),
    "inference/fleet/calls.py": (
        "inference/fleet/test_fleet.py",
        "inference/pacing/test_hedge.py",
        "classifier/asking/test_second_calls.py",
    ),
    "inference/fleet/falls.py": ("classifier/asking/test_endings.py", "classifier/test_judge.py"),
    "inference/fleet/fleet.py": (
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "inference/fleet/places.py": (
        "inference/fleet/test_fleet.py",
        "inference/pacing/test_hedge.py",
        "classifier/asking/test_endings.py",
    ),
    "inference/fleet/ranking.py": ("inference/fleet/test_fleet.py",),
    "inference/fleet/standing.py": (
        "inference/fleet/test_fleet.py",
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "inference/fleet/watch.py": (
        "inference/fleet/test_fleet.py",
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "inference/pacing/capacity.py": ("inference/fleet/test_fleet.py",),
    "inference/pacing/hedge.py": ("inference/fleet/test_fleet.py",),
    "classifier/judge.py": ("classifier/asking/test_endings.py",),
    "inference/pacing/ceiling.py": ("inference/pacing/test_knee.py",),
    "inference/pacing/knee.py": (),
    "inference/pacing/stride.py": ("inference/pacing/test_knee.py",),
    "inference/pacing/window.py": ("inference/pacing/test_knee.py",),
    "classifier/confidence/looks.py": (),
    "classifier/contradiction.py": ("classifier/test_parser.py",),
    "classifier/objects.py": ("classifier/test_parser.py", "classifier/test_grammar.py"),
    "classifier/parser.py": ("classifier/test_responses.py", "classifier/test_grammar.py"),
    "classifier/asking/patience.py": (
        "classifier/asking/test_endings.py",
        "classifier/test_judge.py",
    ),
    "classifier/prompt.py": (),
    "inference/pacing/queue.py": ("inference/fleet/test_fleet.py",),
    "classifier/request.py": ("classifier/test_responses.py",),
    "classifier/question.py": ("inference/fleet/test_fleet.py",),
    "classifier/confidence/second_look.py": ("classifier/confidence/test_looks.py",),
    "classifier/segments.py": (),
    "inference/wires/usage.py": ("inference/wires/test_usage.py", "classifier/test_responses.py"),
    "inference/wires/chat.py": (
        "classifier/test_parser.py",
        "classifier/test_grammar.py",
        "classifier/test_request.py",
    ),
    "inference/wires/content.py": ("classifier/test_grammar.py", "classifier/test_responses.py"),
    "inference/wires/format.py": ("classifier/test_request.py", "classifier/test_responses.py"),
    "inference/wires/frame.py": ("classifier/test_request.py", "classifier/test_responses.py"),
    "inference/wires/responses.py": ("classifier/test_responses.py", "classifier/test_grammar.py"),
    "inference/blame/wordings.py": ("inference/blame/test_blame.py",),
    "domain/binding.py": (),
    "domain/verdicts/certainty.py": (
        "classifier/confidence/test_certainty.py",
        "domain/verdicts/test_envelope.py",
    ),
    "domain/checkpoint.py": (),
    "domain/choose.py": ("pipeline/flow/test_budgets.py",),
    "domain/messages/context.py": (),
    "domain/control.py": (),
    "domain/counted.py": (),
    "domain/messages/decoding.py": (),
    "domain/verdicts/encoding.py": ("domain/verdicts/test_envelope.py",),
    "domain/lane.py": ("pipeline/flow/test_limiter.py", "inference/fleet/test_fleet.py"),
    "domain/messages/message.py": (
        "domain/messages/test_retry.py",
        "domain/messages/test_decoding.py",
    ),
    "domain/policy.py": ("registry/test_load.py",),
    "domain/messages/retry.py": (),
    "domain/verdicts/usage.py": ("inference/wires/test_usage.py", "commands/costs/test_sums.py"),
    "domain/verdicts/verdict.py": (
        "domain/verdicts/test_envelope.py",
        "pipeline/test_superseding.py",
        "classifier/test_judge.py",
    ),
    "commands/evaluate/attacks.py": (),
    "commands/evaluate/cases/columns.py": (),
    "commands/evaluate/cases/own.py": (),
    "commands/evaluate/cases/presets.py": (),
    "commands/evaluate/cases/tables.py": ("commands/evaluate/cases/test_formats.py",),
    "commands/evaluate/measures/calibration.py": (),
    "commands/evaluate/measures/citations.py": (),
    "commands/evaluate/measures/comparison.py": (),
    "commands/evaluate/measures/confusion.py": (),
    "commands/evaluate/measures/interval.py": (
        "commands/evaluate/measures/test_confusion.py",
        "commands/evaluate/measures/test_spending.py",
    ),
    "domain/messages/likeness.py": (),
    "commands/evaluate/measures/spending.py": (),
    "commands/evaluate/report/author.py": ("commands/evaluate/test_author.py",),
    "commands/evaluate/report/author_page.py": ("commands/evaluate/test_author.py",),
    "commands/evaluate/report/gates.py": ("commands/evaluate/test_evaluation.py",),
    "commands/evaluate/report/published.py": ("commands/evaluate/cases/test_presets.py",),
    "commands/evaluate/runs/quotes.py": (),
    "commands/evaluate/runs/plan.py": ("commands/evaluate/test_evaluation.py",),
    "commands/evaluate/scoring.py": (),
    "commands/packs/answers.py": ("commands/packs/test_coded.py",),
    "commands/packs/coded.py": ("commands/packs/test_importer.py",),
    "commands/packs/front.py": ("commands/packs/test_importer.py",),
    "commands/packs/labeler.py": ("commands/packs/test_importer.py",),
    "commands/packs/labels.py": ("commands/packs/test_coded.py", "commands/packs/test_table.py"),
    "commands/packs/passages.py": ("commands/packs/test_coded.py",),
    "commands/packs/table.py": ("commands/packs/test_importer.py",),
    "commands/packs/written.py": ("commands/packs/test_importer.py",),
    "pipeline/flow/budgets.py": (),
    "pipeline/assignment/commits.py": (
        "pipeline/assignment/test_recovery.py",
        "pipeline/test_topics_made_again.py",
    ),
    "pipeline/assignment/conversations.py": (),
    "pipeline/assignment/lease.py": ("pipeline/assignment/test_recovery.py",),
    "pipeline/flow/limiter.py": (),
    "pipeline/assignment/offsets.py": (),
    "pipeline/assignment/outputs.py": (
        "pipeline/assignment/test_recovery.py",
        "pipeline/test_topics_made_again.py",
    ),
    "pipeline/assignment/suspicion.py": ("pipeline/assignment/test_recovery.py",),
    "pipeline/assignment/unfinished.py": ("pipeline/test_intake.py",),
    "pipeline/flow/gate.py": ("pipeline/test_intake.py", "pipeline/flow/test_budgets.py"),
    "pipeline/sequencer.py": (),
    "pipeline/superseding.py": (),
    "kafka/source/share/holdings.py": (),
    "registry/lines.py": ("registry/test_load.py",),
    "inference/fleet/breaker.py": ("classifier/test_judge.py",),
    "pipeline/flow/budget.py": ("pipeline/flow/test_budgets.py",),
    "commands/dead_letters/letter.py": (),
    "inference/pacing/quantiles.py": (),
    "worker/restarts.py": (),
    "inference/pacing/retry.py": (),
    "commands/dead_letters/selection.py": (),
    "review/cases/case.py": ("review/cases/test_docket.py", "review/cases/test_risk.py"),
    "review/cases/consequence.py": (),
    "review/cases/docket.py": (),
    "review/cases/handling.py": ("review/cases/test_docket.py",),
    "review/cases/facts.py": ("review/cases/test_case.py", "review/records/test_reading.py"),
    "review/cases/risk.py": (),
    "review/cases/ruling.py": ("review/cases/test_docket.py",),
    "review/feed/announcement.py": (),
    "review/records/decision.py": (
        "review/records/test_reading.py",
        "review/feed/test_announcement.py",
    ),
    "review/records/reading.py": (),
    "review/records/restriction.py": (),
    "review/records/statement.py": (),
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
