"""Garbled: completions of a model that went wrong, or whose server misread it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from consumer.dev.safeguard.completion import Completion
from consumer.dev.safeguard.faults.faults import FaultName

Maker = Callable[[Completion], dict[str, object]]


def _saying(said: Callable[[Completion], str | None], finish: str = "stop") -> Maker:
    """A completion whose content is another."""
    return lambda answer: answer.document_of(
        {"content": said(answer), "reasoning": answer.decision.reasoning}, finish
    )


def _raw_harmony(answer: Completion) -> dict[str, object]:
    text = (
        f"<|channel|>analysis<|message|>{answer.decision.reasoning}<|end|><|start|>assistant"
        f"<|channel|>final <|constrain|>json<|message|>{answer.said()}<|return|>"
    )
    return answer.document_of({"content": text, "reasoning": None})


def _raw_analysis(answer: Completion) -> dict[str, object]:
    text = f"<|channel|>analysis<|message|>{answer.decision.reasoning} So {answer.said()}"
    return answer.document_of({"content": text, "reasoning": None})


def _in_reasoning_only(answer: Completion) -> dict[str, object]:
    reasoning = f"{answer.decision.reasoning} {answer.said()}"
    return answer.document_of({"content": None, "reasoning": reasoning})


def _reasoning_content(answer: Completion) -> dict[str, object]:
    message = {"content": answer.said(), "reasoning_content": answer.decision.reasoning}
    return answer.document_of(message)


def _prompt_truncated(answer: Completion) -> dict[str, object]:
    return answer.document() | {
        "usage": {"prompt_tokens": 12, "completion_tokens": 60, "total_tokens": 72}
    }


def _missing_usage(answer: Completion) -> dict[str, object]:
    return {name: value for name, value in answer.document().items() if name != "usage"}


def _other_label(answer: Completion) -> str:
    others = [label for label in answer.labels if label != answer.decision.label]
    return others[-1] if others else "ZZ9"


def _two_labels(answer: Completion) -> str:
    other = answer.decision._replace(label=_other_label(answer)).as_json()
    return f"{answer.said()}\nOr, on reflection:\n{other}"


def _duplicate_key(answer: Completion) -> str:
    label = orjson.dumps(_other_label(answer)).decode()
    return f'{{"label":{label},' + answer.decision.as_json()[1:]


def _wrong_types(answer: Completion) -> str:
    decision = answer.decision
    fields = {"label": [decision.label], "rules": ", ".join(decision.rules), "confidence": 0.9}
    return orjson.dumps(fields | {"rationale": None}).decode()


def _stub(answer: Completion) -> str:
    return f"Answer ({' or '.join(answer.labels)}): "


GARBLED: Mapping[FaultName, Maker] = {
    FaultName.LENGTH_EMPTY: _saying(lambda answer: None, "length"),
    FaultName.LENGTH_CUT_JSON: _saying(lambda a: a.said()[: len(a.said()) // 2], "length"),
    FaultName.LENGTH_MARKUP: _saying(
        lambda a: "<|start|>assistant<|channel|>final <|constrain|>json", "length"
    ),
    FaultName.CONTENT_FILTER: _saying(lambda a: None, "content_filter"),
    FaultName.NULL_CONTENT_STOP: lambda a: a.document_of({"content": None, "reasoning": None}),
    FaultName.RAW_HARMONY_FINAL: _raw_harmony,
    FaultName.RAW_HARMONY_ANALYSIS_ONLY: _raw_analysis,
    FaultName.FENCED_JSON: _saying(lambda a: f"```json\n{a.said()}\n```"),
    FaultName.ECHOED_STUB: _saying(lambda a: _stub(a) + a.said()),
    FaultName.ECHOED_STUB_LABEL: _saying(lambda a: _stub(a) + a.decision.label),
    FaultName.BARE_LABEL: _saying(lambda a: a.decision.label),
    FaultName.PROSE_AROUND_JSON: _saying(
        lambda a: f"Here is my classification:\n\n{a.said()}\n\nLet me know if you need more."
    ),
    FaultName.TWO_LABELS: _saying(_two_labels),
    FaultName.DUPLICATE_LABEL_KEY: _saying(_duplicate_key),
    FaultName.REFUSAL: _saying(lambda a: "I'm sorry, but I can't help with that."),
    FaultName.UNKNOWN_LABEL: _saying(lambda a: a.decision._replace(label="ZZ9").as_json()),
    FaultName.UNKNOWN_RULE: _saying(
        lambda a: a.decision._replace(rules=(*a.decision.rules, "ZZ9.z")).as_json()
    ),
    FaultName.WRONG_TYPES: _saying(_wrong_types),
    FaultName.JSON_IN_REASONING_ONLY: _in_reasoning_only,
    FaultName.HUGE_RATIONALE: _saying(
        lambda a: a.decision._replace(rationale="because " * 131_072).as_json()
    ),
    FaultName.PROMPT_TRUNCATED: _prompt_truncated,
    FaultName.MISSING_USAGE: _missing_usage,
    FaultName.REASONING_CONTENT_FIELD: _reasoning_content,
}
