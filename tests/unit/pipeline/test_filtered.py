"""A message that a filter settles or that is audited, on its whole way to the output."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson

from consumer.domain.binding import Binding, MessageTerms
from consumer.screening.audits.note import AuditNote
from tests.unit.pipeline.staging import TOPIC, VERSION, Stage, record, settle
from tests.unit.screening.test_filters import named, ready

HARMLESS = "OK we meet near the garden"
MISSED = "BAD we meet near the garden"
"""The model blocks it, and the filter would settle it."""


class Scene:
    """A stage whose topic has a filter that is on, with the notes that were made."""

    def __init__(self, folder: Path, floor: float) -> None:
        screening = named(folder, version_digest=VERSION.digest).screening
        assert screening.prefilter is not None
        terms = replace(screening.prefilter, floor=floor, near=floor)
        binding = Binding(
            "chat",
            (TOPIC,),
            VERSION,
            MessageTerms(format="text"),
            screening=replace(screening, prefilter=terms),
            deadline_s=0,
            versions={1: VERSION},
        )
        self.filters = ready(binding)
        self.filters.post = self.post
        self.notes: list[AuditNote] = []
        self.may_note = asyncio.Event()
        self.may_note.set()
        self.stage = Stage(binding, is_screened=True, filters=self.filters)

    async def post(self, note: AuditNote) -> None:
        await self.may_note.wait()
        self.notes.append(note)

    def timed(self) -> dict[str, float | None]:
        """Of how many messages each stage's time is known."""
        registry = self.stage.telemetry.metrics.registry
        name = "safeguard_stage_seconds_count"
        stages = ("queued", "model", "publish", "total")
        return {stage: registry.get_sample_value(name, {"stage": stage}) for stage in stages}

    def envelopes(self) -> list[dict[str, object]]:
        return [orjson.loads(sent.value or b"") for sent, _ in self.stage.sink.sent]


async def test_what_is_settled_is_allowed_at_once_and_no_model_is_asked(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 0.001)
    await scene.stage.own()
    tasks = asyncio.all_tasks()
    scene.stage.intake.taken([record(0, HARMLESS)])
    assert asyncio.all_tasks() == tasks
    (envelope,) = scene.envelopes()
    assert (envelope["cause"], envelope["outcome"]) == ("prefilter", "allow")
    assert scene.stage.classifier.judged == []
    scene.stage.acknowledge()
    assert scene.timed() == {"queued": 0, "model": 0, "publish": 1, "total": 1}


async def test_a_miss_is_noted_before_its_verdict_is_published(tmp_path: Path) -> None:
    """And so before anything can be committed; the audited message gets what the model says."""
    scene = Scene(tmp_path, 1.0)
    scene.may_note.clear()
    await scene.stage.own()
    scene.stage.intake.taken([record(0, MISSED)])
    await settle()
    assert scene.stage.classifier.judged == [MISSED, MISSED], "two of three answers"
    assert scene.stage.sent == []
    scene.stage.intake.commit()
    assert not any(scene.stage.offsets), "nothing of it is committed"
    scene.may_note.set()
    await settle()
    assert scene.stage.sent == ["chat/0/0 to chat.block"]
    (envelope,) = scene.envelopes()
    assert envelope["cause"] == "model"
    screening = envelope["screening"]
    assert isinstance(screening, dict)
    assert (screening["stage"], screening["audit_probability"]) == ("prefilter", 1.0)
    headers = dict(scene.stage.sink.sent[0][0].headers)
    assert headers["safeguard-audit-probability"] == b"1"
    assert [(n.position, n.is_settled) for n in scene.notes] == [("chat/0/0", True)]


async def test_after_a_crash_the_same_are_settled_and_the_same_audited(tmp_path: Path) -> None:
    """A note that is made twice says the same, by its position."""
    told = []
    for _ in range(2):
        scene = Scene(tmp_path, 0.5)
        await scene.stage.own()
        scene.stage.intake.taken([record(at, MISSED) for at in range(30)])
        await settle()
        causes = {str(e["position"]): e["cause"] for e in scene.envelopes()}
        told.append((causes, sorted(scene.notes, key=lambda note: note.position)))
    assert told[0] == told[1]
    causes, notes = told[0]
    assert {*causes.values()} == {"prefilter", "model"}
    assert len(notes) == [*causes.values()].count("model")
