"""
Which texts are answers: a corpus of shapes, and the whole language of a small vocabulary.

`shapes.jsonl` holds one shape a line, in words of our own: the labels of the policy, the answer,
and the label that it is, or null for what is none.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from consumer.classifier.parser import Reading, read_completion, read_failed_generation
from consumer.domain.policy import Outcome, Policy
from consumer.inference.blame.fault import Fault
from tests.builders import a_completion, a_policy

SHAPES: list[dict[str, Any]] = [
    orjson.loads(line) for line in (Path(__file__).parent / "shapes.jsonl").read_text().splitlines()
]


@cache
def policy_of(*labels: str) -> Policy:
    """The first label is an allow, the last a block."""
    outcomes = dict.fromkeys(labels, Outcome.FLAG)
    outcomes |= {labels[-1]: Outcome.BLOCK, labels[0]: Outcome.ALLOW}
    rules = {"HH1.a": "rude", "HH2.a": "insult"} if "HH2" in labels else {}
    return a_policy(outcomes=outcomes, rules=rules, examples=())


def label_in(result: Reading | Fault) -> str | None:
    return result.judgement.label if isinstance(result, Reading) else None


def message(answer: str) -> dict[str, object]:
    return {"type": "message", "content": [{"type": "output_text", "text": answer}]}


def response_of(answer: str) -> bytes:
    return orjson.dumps({"status": "completed", "output": [message(answer)]})


@pytest.mark.parametrize(
    "shape", SHAPES, ids=[f"{each['shape']}-{n}" for n, each in enumerate(SHAPES)]
)
def test_every_shape_has_its_value(shape: dict[str, Any]) -> None:
    """Over either API, in parts, and out of a host's own refusal, a shape is read alike."""
    policy, answer = policy_of(*shape["labels"]), shape["answer"]
    parts = [{"type": "reasoning", "text": "B, HH2"}, {"type": "text", "text": answer}]
    failed = orjson.dumps({"error": {"failed_generation": answer}})
    assert label_in(read_completion(a_completion(answer), policy)) == shape["label"]
    assert label_in(read_completion(a_completion(parts), policy)) == shape["label"]
    assert label_in(read_completion(response_of(answer), policy, api="responses")) == shape["label"]
    assert label_in(read_failed_generation(failed, policy)) == shape["label"]


def test_a_code_that_is_a_rule_is_cited() -> None:
    """What stands in brackets is a rule where the policy has it, and dropped where it has not."""
    result = read_completion(a_completion("HH2 (HH2.a, X9)"), policy_of("HH0", "HH1", "HH2"))
    assert isinstance(result, Reading)
    assert (result.judgement.rules, result.judgement.rules_dropped) == (("HH2.a",), 1)


# The whole language over a few words, spelt out, against ten thousands of random texts.

STUBS = ["Answer", "Final verdict", "Classification"]
CHOICES = ["(A or B)", "(B/A)"]
CODES = ["(X3)", "[X3, Y4]"]
LABELS = ["A", "B"]
OTHER = ["score", "The user says", "not", "X3", "2", "(", ")", "or", "violation", "because", "C"]
MARKS = ["**", '"', ".", ":", "\n", " "]


def language() -> dict[str, str]:
    """Every answer over those words, and the label that it is."""
    found: dict[str, str] = {}
    for label, code in product(LABELS, ["", *CODES]):
        plain = f"{label} {code}".strip()
        wrapped = [f"{mark}{plain}{mark}" for mark in ("**", '"')]
        wrapped += [f"**{plain}.**", f"**{label}** {code}".strip(), f'"{label}" {code}'.strip()]
        answers = [plain, f"{plain}.", *wrapped]
        for stub, choices in product(STUBS, ["", *CHOICES]):
            name = f"{stub} {choices}".strip()
            heads = [f"{name}:", f"**{name}:**", f"**{name}**:", f"**{stub}** {choices}:"]
            answers += [f"**{name}: {plain}**", f"{name}:\n\n{plain}", f"{name}:**{plain}**"]
            answers += [f"{head} {inner}" for head in heads for inner in [plain, *wrapped]]
        found |= dict.fromkeys(answers, label)
    for label, stub in product(LABELS, STUBS):
        answers = [f"{stub} ({label})", f"{stub}: ({label})", f"{stub} [{label}]."]
        found |= dict.fromkeys([*answers, f"**{answers[0]}**"], label)
    return found


def skeleton(text: str) -> str:
    """A text without white space, wrappers, full stops and the case of its stub."""
    return "".join(text.split()).replace("**", "").replace('"', "").replace(".", "").casefold()


def test_no_text_outside_the_grammar_gives_a_label() -> None:
    """Of 100,000 texts of its own words and others, only those of the language give a label."""
    dice = Random(12)
    policy = policy_of("A", "B")
    known = {skeleton(text): label for text, label in language().items()}
    words = [*STUBS, *CHOICES, *CODES, *LABELS, *LABELS, *OTHER, *MARKS, *MARKS]
    read = 0
    for _ in range(100_000):
        text = "".join(dice.choice(words) for _ in range(dice.randint(1, 7)))
        label = label_in(read_completion(a_completion(text), policy))
        if label is not None:
            read += 1
            assert text.count("**") % 2 == text.count('"') % 2 == 0, text
            assert known.get(skeleton(text)) == label, text
    assert read > 1_000


def test_every_text_of_the_grammar_gives_its_label() -> None:
    """The language is read to the last of its texts."""
    policy = policy_of("A", "B")
    sentences = language()
    missed = {
        text
        for text, label in sentences.items()
        if label_in(read_completion(a_completion(text), policy)) != label
    }
    assert len(sentences) > 1_000
    assert not missed


def test_one_word_too_many_is_no_answer() -> None:
    """Whatever else stands before, behind or within an answer takes its label away."""
    dice = Random(7)
    policy = policy_of("A", "B")
    sentences = sorted(language())
    for _ in range(10_000):
        text = dice.choice(sentences)
        at = dice.choice([0, len(text)])
        foreign = dice.choice(["kill ", " 2:", "maybe ", "not ", "1", "says: ", "\nC: "])
        spoilt = text[:at] + foreign + text[at:]
        assert label_in(read_completion(a_completion(spoilt), policy)) is None, spoilt


COURTESIES = ["Here is my answer:", "Sure!", "```json", "```", "Answer (A or B):", "\n", "json"]
PROSE = ["The user wants", "not", "A", "B", "{}", '{"text":"x"}', "Here is his answer:", "If so:"]


def test_no_object_in_prose_gives_a_label() -> None:
    """Objects count only where all around them is closed phrases, and where they agree."""
    dice = Random(3)
    policy = policy_of("A", "B")
    objects = {f'{{"label":"{label}","rationale":"x"}}': label for label in "AB"}
    pieces = [*objects, *objects, *COURTESIES, *COURTESIES, *PROSE]
    read = 0
    for _ in range(30_000):
        chosen = [dice.choice(pieces) for _ in range(dice.randint(1, 5))]
        label = label_in(read_completion(a_completion("\n".join(chosen)), policy))
        if label is not None and set(chosen) & objects.keys():
            read += 1
            assert {objects.get(piece, label) for piece in chosen} == {label}, chosen
            assert not set(chosen) & set(PROSE), chosen
    assert read > 1_000


# Each fault, however well an allow stands beside it.

ALLOW = '{"label":"A","rules":[],"confidence":"high","rationale":"fine"}'
POLICY = policy_of("A", "B")


def completion(**changes: object) -> bytes:
    return orjson.dumps(orjson.loads(a_completion(ALLOW)) | changes)


def choice(content: object = ALLOW, **changes: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    return {"index": 0, "finish_reason": "stop", "message": message} | changes


VOID: dict[str, tuple[bytes, Fault]] = {
    "an error beside the choices": (completion(error={"code": 502}), Fault.ERROR_IN_BODY),
    "an error that is a word": (completion(error="upstream"), Fault.ERROR_IN_BODY),
    "an error in the choice": (
        completion(choices=[choice(error={"code": 502})]),
        Fault.ERROR_IN_BODY,
    ),
    "an error as the end": (
        completion(choices=[choice(finish_reason="error")]),
        Fault.ERROR_IN_BODY,
    ),
    "an abort as the end": (
        completion(choices=[choice(finish_reason="abort")]),
        Fault.ERROR_IN_BODY,
    ),
    "a filter as the end": (a_completion(ALLOW, "content_filter"), Fault.REFUSAL),
    "a provider's own filter": (
        completion(choices=[choice(finish_reason="SAFETY")]),
        Fault.REFUSAL,
    ),
    "a filter in the error": (
        completion(error={"code": "content_filter", "message": "filtered"}),
        Fault.ERROR_IN_BODY,
    ),
    "a filter's error alone": (
        orjson.dumps({"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        Fault.ERROR_IN_BODY,
    ),
    "a refusal in the message": (a_completion(ALLOW, refusal="I can't help."), Fault.REFUSAL),
    "a refusal and nothing": (a_completion(None, refusal="I can't help."), Fault.REFUSAL),
    "a refusal among the parts": (
        a_completion([{"type": "text", "text": ALLOW}, {"type": "refusal", "refusal": "no"}]),
        Fault.REFUSAL,
    ),
    "a refusal cut off": (a_completion("I'm sorry, but I can", "length"), Fault.REFUSAL),
    "a refusal in the final channel": (
        a_completion("<|channel|>final<|message|>I'm sorry, I cannot help.<|return|>"),
        Fault.REFUSAL,
    ),
    "cut off": (a_completion(ALLOW, "max_tokens"), Fault.TRUNCATED),
    "two choices that differ": (
        completion(choices=[choice(), choice('{"label":"B"}')]),
        Fault.AMBIGUOUS,
    ),
    "a choice that refuses": (
        completion(choices=[choice(), choice("I'm sorry, but no.")]),
        Fault.REFUSAL,
    ),
    "a choice that says nothing": (completion(choices=[choice(), choice("")]), Fault.AMBIGUOUS),
    "parts that differ": (
        a_completion([{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]),
        Fault.AMBIGUOUS,
    ),
    "parts that would make a label": (
        a_completion([{"type": "text", "text": '{"label":'}, {"type": "image", "text": '"A"}'}]),
        Fault.UNREADABLE,
    ),
    "only reasoning among the parts": (
        a_completion([{"type": "reasoning", "text": ALLOW}, {"type": "thinking", "text": "A"}]),
        Fault.ONLY_IN_REASONING,
    ),
    "a part of no type": (a_completion([{"text": "A"}]), Fault.EMPTY),
    "a part that is a word": (a_completion(["A"]), Fault.EMPTY),
    "two final channels": (
        a_completion(
            "<|channel|>final<|message|>B<|end|><|start|>assistant<|channel|>final<|message|>A"
        ),
        Fault.RAW_HARMONY,
    ),
    "a final channel that is not the last": (
        a_completion(
            "<|channel|>final<|message|>A<|end|><|start|>assistant<|channel|>analysis<|message|>B"
        ),
        Fault.RAW_HARMONY,
    ),
}


@pytest.mark.parametrize(("body", "fault"), VOID.values(), ids=VOID.keys())
def test_what_voids_a_verdict(body: bytes, fault: Fault) -> None:
    """An error, a refusal or a contradiction beside an allow leaves no allow."""
    assert read_completion(body, POLICY) is fault


def test_each_kind_of_fault_is_shown_beside_an_allow() -> None:
    """No kind of fault is missing here, so none of them can be an allow unnoticed."""
    kinds = {fault for _, fault in VOID.values()}
    kinds |= {fault for _, fault in RESPONSES.values()}
    others = {
        Fault.NOT_A_COMPLETION: (ALLOW.encode(), 0),
        Fault.UNKNOWN_LABEL: (a_completion(ALLOW.replace('"A"', '"C"')), 0),
        Fault.PROMPT_TRUNCATED: (a_completion(ALLOW), 401),
    }
    for fault, (body, prompt_tokens_min) in others.items():
        assert read_completion(body, POLICY, prompt_tokens_min) is fault
    assert kinds | others.keys() == set(Fault)


def test_choices_that_agree_are_read() -> None:
    """More than was asked for, and all of it says the same."""
    assert label_in(read_completion(completion(choices=[choice(), choice("A")]), POLICY)) == "A"


def test_parts_keep_their_reasoning_apart() -> None:
    """Text parts are the answer, reasoning parts are for reviewers."""
    parts = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "maybe B"}]},
        {"type": "text", "text": ALLOW},
    ]
    result = read_completion(a_completion(parts), POLICY)
    assert isinstance(result, Reading)
    assert (result.judgement.label, result.judgement.reasoning) == ("A", "maybe B")


RESPONSES: dict[str, tuple[dict[str, Any], Fault]] = {
    "failed": ({"status": "failed"}, Fault.ERROR_IN_BODY),
    "an error beside it": ({"error": {"code": "server_error"}}, Fault.ERROR_IN_BODY),
    "a filter's error": ({"error": {"code": "content_filter"}}, Fault.ERROR_IN_BODY),
    "incomplete": ({"status": "incomplete"}, Fault.TRUNCATED),
    "filtered": (
        {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        Fault.REFUSAL,
    ),
    "filtered and called complete": (
        {"incomplete_details": {"reason": "content_filter"}},
        Fault.REFUSAL,
    ),
    "an item that is incomplete": (
        {
            "output": [
                {
                    "type": "message",
                    "status": "incomplete",
                    "content": [{"type": "output_text", "text": "A"}],
                }
            ]
        },
        Fault.TRUNCATED,
    ),
    "a thought inside of the message": (
        {"output": [{"type": "message", "content": [{"type": "reasoning_text", "text": ALLOW}]}]},
        Fault.ONLY_IN_REASONING,
    ),
    "a refusal beside it": (
        {
            "output": [
                message("A"),
                {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},
            ]
        },
        Fault.REFUSAL,
    ),
}


@pytest.mark.parametrize(("changes", "fault"), RESPONSES.values(), ids=RESPONSES.keys())
def test_what_voids_a_response(changes: dict[str, Any], fault: Fault) -> None:
    """The same over the Responses API."""
    body = orjson.dumps(orjson.loads(response_of(ALLOW)) | changes)
    assert read_completion(body, POLICY, api="responses") is fault
