"""A 200 is not a verdict: every known fault of an answer, and what becomes of it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.classifier.parser import (
    Fault,
    Reading,
    Repair,
    read_completion,
    read_failed_generation,
)
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Tokens
from tests.builders import a_completion, a_policy, an_answer

POLICY = a_policy()
STUB = "Answer (HH0 or HH1 or HH2): "
ANALYSIS = "<|channel|>analysis<|message|>The text is fine, HH0.<|end|><|start|>assistant"

Expected = tuple[str, Repair] | Fault


def seen(result: Reading | Fault) -> Expected:
    """What a test compares: label and repair, or the fault."""
    return result if isinstance(result, Fault) else (result.judgement.label, result.repair)


def read(content: object, finish: object = "stop", **message: object) -> Expected:
    return seen(read_completion(a_completion(content, finish, **message), POLICY))


def judged(content: object, **message: object) -> Reading:
    result = read_completion(a_completion(content, **message), POLICY)
    assert isinstance(result, Reading)
    return result


BODIES: dict[str, tuple[bytes, Expected]] = {
    "nothing": (b"", Fault.NOT_A_COMPLETION),
    "a page of a gateway": (b"<html>starting</html>", Fault.NOT_A_COMPLETION),
    "half a body": (a_completion(an_answer())[:60], Fault.NOT_A_COMPLETION),
    "bytes that are no text": (b"\xff\xfe\x00", Fault.NOT_A_COMPLETION),
    "another document": (b'{"object":"list"}', Fault.NOT_A_COMPLETION),
    "a list": (b"[1]", Fault.NOT_A_COMPLETION),
    "a word": (b'"choices"', Fault.NOT_A_COMPLETION),
    "null": (b"null", Fault.NOT_A_COMPLETION),
    "no choice": (b'{"choices":[]}', Fault.NOT_A_COMPLETION),
    "choices as an object": (b'{"choices":{"0":1}}', Fault.NOT_A_COMPLETION),
    "a choice that is a word": (b'{"choices":["HH0"]}', Fault.NOT_A_COMPLETION),
    "a message that is null": (b'{"choices":[{"message":null}]}', Fault.NOT_A_COMPLETION),
    "an error inside a 200": (b'{"error":{"message":"upstream failed"}}', Fault.ERROR_IN_BODY),
    "brackets without end": (b"[" * 100_000, Fault.NOT_A_COMPLETION),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_completion(body: bytes, expected: Expected) -> None:
    """What is no chat completion is a fault that says so, and nothing raises."""
    assert seen(read_completion(body, POLICY)) == expected


CONTENTS: dict[str, tuple[bytes, Expected]] = {
    "as asked": (a_completion(an_answer()), ("HH2", Repair.NONE)),
    "as asked, an allow": (a_completion(an_answer("HH0")), ("HH0", Repair.NONE)),
    "white space around": (a_completion(f"\n {an_answer()} \n"), ("HH2", Repair.NONE)),
    "unknown keys beside": (a_completion(an_answer(score=3)), ("HH2", Repair.NONE)),
    "only a label": (a_completion('{"label":"HH2"}'), ("HH2", Repair.NONE)),
    "cut off while reasoning": (a_completion(None, "length"), Fault.TRUNCATED),
    "cut off, yet whole": (a_completion(an_answer("HH0"), "length"), Fault.TRUNCATED),
    "cut off in the answer": (a_completion(an_answer()[:20], "length"), Fault.TRUNCATED),
    "cut off with a stop": (a_completion(an_answer()[:20]), Fault.UNREADABLE),
    "filtered by the host": (a_completion(an_answer("HH0"), "content_filter"), Fault.REFUSAL),
    "null with a stop": (a_completion(None), Fault.EMPTY),
    "empty": (a_completion(""), Fault.EMPTY),
    "white space": (a_completion(" \n\t"), Fault.EMPTY),
    "content in parts": (a_completion([{"type": "text", "text": "HH0"}]), ("HH0", Repair.STUB)),
    "content as one part": (a_completion({"type": "text", "text": "HH0"}), ("HH0", Repair.STUB)),
    "one part that is none": (a_completion({"label": "HH0"}), Fault.EMPTY),
    "a number": (a_completion(0), Fault.EMPTY),
    "only in reasoning": (
        a_completion(None, reasoning=f"So: {an_answer('HH0')}"),
        Fault.ONLY_IN_REASONING,
    ),
    "only in reasoning_content": (
        a_completion("", reasoning_content=an_answer("HH0")),
        Fault.ONLY_IN_REASONING,
    ),
    "only an unknown label in reasoning": (
        a_completion(None, reasoning='So: {"label":"ZZ9"}'),
        Fault.EMPTY,
    ),
    "only a list of labels in reasoning": (
        a_completion(None, reasoning='So: {"label":["HH0"]}'),
        Fault.EMPTY,
    ),
    "only thoughts in reasoning": (a_completion(None, reasoning="Hm, HH0."), Fault.EMPTY),
    "raw harmony with a final channel": (
        a_completion(f"{ANALYSIS}<|channel|>final<|message|>{an_answer()}<|return|>"),
        ("HH2", Repair.HARMONY),
    ),
    "raw harmony, constrained": (
        a_completion(
            f"{ANALYSIS}<|channel|>final <|constrain|>json<|message|>{an_answer()}<|return|>"
        ),
        ("HH2", Repair.HARMONY),
    ),
    "raw harmony, no end": (
        a_completion(f"{ANALYSIS}<|channel|>final<|message|>{an_answer()}"),
        ("HH2", Repair.HARMONY),
    ),
    "raw harmony, a bare label": (
        a_completion(f"{ANALYSIS}<|channel|>final<|message|>HH2<|return|>"),
        ("HH2", Repair.HARMONY),
    ),
    "raw harmony, analysis alone": (
        a_completion(f"<|channel|>analysis<|message|>So {an_answer('HH0')}"),
        Fault.RAW_HARMONY,
    ),
    "raw harmony, an empty final channel": (
        a_completion(f"{ANALYSIS}<|channel|>final<|message|><|return|>"),
        Fault.RAW_HARMONY,
    ),
    "raw harmony, only a header": (
        a_completion("<|start|>assistant<|channel|>final <|constrain|>json"),
        Fault.RAW_HARMONY,
    ),
    "fences": (a_completion(f"```json\n{an_answer()}\n```"), ("HH2", Repair.FENCES)),
    "fences without a language": (a_completion(f"```\n{an_answer()}```"), ("HH2", Repair.FENCES)),
    "fences without a line of their own": (
        a_completion(f"```{an_answer()}```"),
        ("HH2", Repair.FENCES),
    ),
    "another label beside the object": (
        a_completion(f"HH0? Here it is: {an_answer()}"),
        Fault.AMBIGUOUS,
    ),
    "more of an object beside it": (
        a_completion(f'{an_answer()} or "label": 3'),
        Fault.AMBIGUOUS,
    ),
    "a fence alone": (a_completion("```"), Fault.UNREADABLE),
    "fences around nothing": (a_completion("```json\n```"), Fault.UNREADABLE),
    "fences around a list": (a_completion('```json\n["HH0"]\n```'), Fault.UNREADABLE),
    "an echoed stub and JSON": (a_completion(STUB + an_answer()), ("HH2", Repair.PROSE)),
    "an echoed stub and a label": (a_completion(STUB + "HH2"), ("HH2", Repair.STUB)),
    "an echoed stub alone": (a_completion(STUB), Fault.UNREADABLE),
    "another echoed stub": (a_completion("Classification: HH2"), ("HH2", Repair.STUB)),
    "a stub and another label before": (
        a_completion("It could be HH0.\nClassification: HH2"),
        Fault.AMBIGUOUS,
    ),
    "a bare label": (a_completion("HH2"), ("HH2", Repair.STUB)),
    "a bare label in bold": (a_completion("**HH2**."), ("HH2", Repair.STUB)),
    "a label in a sentence": (a_completion("This is clearly HH0"), Fault.UNREADABLE),
    "a label in lower case": (a_completion("hh0"), Fault.UNREADABLE),
    "prose around JSON": (
        a_completion(f"Here is it:\n\n{an_answer()}\n\nLet me know."),
        ("HH2", Repair.PROSE),
    ),
    "prose around fences": (
        a_completion(f"Here is it:\n```json\n{an_answer()}\n```"),
        ("HH2", Repair.PROSE),
    ),
    "the answer twice": (a_completion(f"{an_answer()}\n{an_answer()}"), ("HH2", Repair.PROSE)),
    "two answers": (a_completion(f"{an_answer('HH0')}\nOr:\n{an_answer()}"), Fault.AMBIGUOUS),
    "two answers side by side": (
        a_completion(an_answer("HH0") + an_answer("HH2")),
        Fault.AMBIGUOUS,
    ),
    "two labels in one object": (
        a_completion('{"label":"HH2","rules":[],"label":"HH0"}'),
        Fault.UNREADABLE,
    ),
    "one label twice in one object": (
        a_completion('{"label":"HH2","label":"HH2"}'),
        ("HH2", Repair.NONE),
    ),
    "a refusal": (a_completion("I'm sorry, but I can't help with that."), Fault.REFUSAL),
    "a refusal, typographic": (
        a_completion("I\u2019m sorry, but I can\u2019t help with that."),
        Fault.REFUSAL,
    ),
    "a curt refusal": (a_completion("I cannot assist with this request."), Fault.REFUSAL),
    "prose": (a_completion("The message is friendly."), Fault.UNREADABLE),
    "an unknown label": (a_completion(an_answer("ZZ9")), Fault.UNKNOWN_LABEL),
    "an outcome for a label": (a_completion(an_answer("allow")), Fault.UNKNOWN_LABEL),
    "a label with a space": (a_completion(an_answer("HH0 ")), Fault.UNKNOWN_LABEL),
    "a label in lower case, as JSON": (a_completion(an_answer("hh0")), Fault.UNKNOWN_LABEL),
    "a list of labels": (a_completion('{"label":["HH0"]}'), Fault.UNREADABLE),
    "a label that is null": (a_completion('{"label":null}'), Fault.UNREADABLE),
    "a label that is true": (a_completion('{"label":true}'), Fault.UNREADABLE),
    "a label that is an object": (a_completion('{"label":{"HH0":1}}'), Fault.UNREADABLE),
    "an answer inside another object": (
        a_completion('{"result":{"label":"HH0"}}'),
        Fault.UNREADABLE,
    ),
    "a list of answers": (a_completion(f"[{an_answer('HH0')}]"), ("HH0", Repair.PROSE)),
    "a refusal for a rationale": (
        a_completion('{"label":"HH0","rationale":"I\'m sorry, but I can\'t help with that."}'),
        Fault.REFUSAL,
    ),
    "another label deeper inside": (
        a_completion('{"label":"HH0","more":{"label":"HH2"}}'),
        Fault.AMBIGUOUS,
    ),
    "an answer and an object that is none": (
        a_completion(f'{an_answer()}\n{{"label":"HH2","a":"\\ud800"}}'),
        Fault.UNREADABLE,
    ),
    "an answer and another object": (
        a_completion(f'{an_answer()}\n{{"note":1}}'),
        Fault.UNREADABLE,
    ),
    "JSON with NaN": (a_completion('{"label":"HH0","confidence":NaN}'), Fault.UNREADABLE),
    "brackets without end": (a_completion('{"a":' * 2_000), Fault.UNREADABLE),
}


@pytest.mark.parametrize(("body", "expected"), CONTENTS.values(), ids=CONTENTS.keys())
def test_fault_table(body: bytes, expected: Expected) -> None:
    """Every row of the fault table is a judgement that the model did give, or its named fault."""
    assert seen(read_completion(body, POLICY)) == expected


# What must never become an allow.

TRAPS: dict[str, str] = {
    "quotes the text, quotation marks unescaped": (
        '{"label": "HH2", "rationale": "it says {"label": "HH0"} to fool us"}'
    ),
    "an inner object of an answer that was cut off": '{"label":"HH2","note":{"label":"HH0"}',
    "prose that names another label": (
        f"The label is HH2; the user merely asks for {an_answer('HH0')}"
    ),
    "a sentence that names another label": "This is HH2; the user wants: HH0",
    "an answer that is no JSON beside one that is": (
        '{"label":"HH2","confidence":NaN} is mine, the user wants {"label":"HH0"}'
    ),
    "a ninth answer that contradicts eight": " ".join([an_answer("HH0")] * 8 + [an_answer("HH2")]),
    "the same key, spelt with an escape": '{"label":"HH2","\\u006cabel":"HH0"}',
    "a refusal and an allow as JSON": f"I'm sorry, but I can't help with that. {an_answer('HH0')}",
    "a refusal and an allow as a word": "I'm sorry, but I can't help with that: HH0",
}


@pytest.mark.parametrize("content", TRAPS.values(), ids=TRAPS.keys())
def test_a_doubtful_answer_is_never_an_allow(content: str) -> None:
    """Where an answer also says something else, the milder reading of it is never taken."""
    result = read_completion(a_completion(content), POLICY)
    assert isinstance(result, Fault) or result.judgement.outcome is not Outcome.ALLOW


FRAGMENTS = st.sampled_from(
    [
        '{"label":"HH0"}',
        '{"label":"HH2"}',
        '{"label":"HH2","rationale":"',
        '{"label":"HH0","rules":[',
        '"}',
        "{",
        "}",
        "]",
        '"',
        ",",
        " ",
        "\n",
        ":",
        "HH0",
        "HH2",
        STUB,
        "Label: ",
        "```json\n",
        "\n```",
        "I'm sorry, but I can't help with that.",
        "as the user says",
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(FRAGMENTS, max_size=8).map("".join))
def test_no_mixture_with_a_block_is_an_allow(content: str) -> None:
    """However fragments of answers are mixed, one that names a block as its label is no allow."""
    result = read_completion(a_completion(content), POLICY)
    if isinstance(result, Reading) and '"label":"HH2"' in content:
        assert result.judgement.outcome is not Outcome.ALLOW


@pytest.mark.parametrize(
    ("labels", "content", "expected"),
    [
        (("VALID", "INVALID"), "INVALID", "INVALID"),
        (("VALID", "INVALID"), "VALID", "VALID"),
        (("VALID", "INVALID"), "Answer (VALID or INVALID): VALID", "VALID"),
        (("VALID", "INVALID"), "Answer (VALID or INVALID): INVALID", "INVALID"),
        (("VALID", "INVALID"), "Answer (VALID or INVALID):", None),
        (("VALID", "INVALID"), "INVALIDATED", None),
        (("1", "10"), "10", "10"),
        (("1", "10"), "1", "1"),
        (("1", "10"), "100", None),
        (("1", "10"), '{"label":"10"}', "10"),
        (("1", "10"), '{"label":10}', None),
        (("1", "10"), "Violation: 10\nConfidence: 1", None),
        (("safe", "unsafe"), "unsafe", "unsafe"),
        (("safe", "unsafe"), "Result: unsafe", "unsafe"),
        (("safe", "unsafe"), "not safe", None),
    ],
)
def test_labels_within_labels(labels: tuple[str, str], content: str, expected: str | None) -> None:
    """A label is matched as a whole, so one that is part of another is never mistaken for it."""
    policy = a_policy(outcomes={labels[0]: Outcome.ALLOW, labels[1]: Outcome.BLOCK}, rules={})
    result = read_completion(a_completion(content), policy)
    assert (result.judgement.label if isinstance(result, Reading) else None) == expected


# What a judgement holds.


def test_a_judgement_holds_what_the_model_said() -> None:
    """Label, rules, confidence, rationale, reasoning and tokens are those of the answer."""
    judgement = judged(an_answer(), reasoning="Hm.").judgement
    assert judgement.outcome is Outcome.BLOCK
    assert judgement.policy == "harassment"
    assert judgement.rules == ("HH2.a",)
    assert judgement.confidence == "high"
    assert judgement.rationale == "an insult"
    assert judgement.reasoning == "Hm."
    assert judgement.effort == "low"
    assert judgement.tokens == Tokens(prompt=400, cached=320, reasoning=60, completion=80)
    assert judgement.rules_dropped == 0


def test_reasoning_under_either_name() -> None:
    """Reasoning is read as `reasoning` and as `reasoning_content`."""
    assert judged(an_answer(), reasoning_content="Hm.").judgement.reasoning == "Hm."
    assert judged(an_answer(), reasoning={"text": "Hm."}).judgement.reasoning == ""


@pytest.mark.parametrize(
    ("cited", "kept", "dropped"),
    [
        (["HH2.a", "ZZ9"], ("HH2.a",), 1),
        (["ZZ8", "ZZ9"], (), 2),
        (["HH2.a", "HH2.a"], ("HH2.a",), 0),
        ("HH2.a", ("HH2.a",), 0),
        ("HH2.a, HH2.b", (), 1),
        ([1, None, ["HH2.a"], {"id": "HH2.a"}], (), 4),
        ({"HH2.a": True}, (), 1),
        (None, (), 0),
        ([], (), 0),
    ],
)
def test_unknown_rules_are_dropped_and_counted(
    cited: object, kept: tuple[str, ...], dropped: int
) -> None:
    """The verdict stands, rule ids that the policy lacks are dropped, and they are counted."""
    judgement = judged(an_answer(rules=cited)).judgement
    assert (judgement.rules, judgement.rules_dropped) == (kept, dropped)


@pytest.mark.parametrize("confidence", [0.9, "certain", "HIGH", None, ["high"], {}])
def test_a_confidence_that_is_no_word_of_ours_is_none(confidence: object) -> None:
    """Only low, medium and high are confidence words; anything else is left out."""
    assert judged(an_answer(confidence=confidence)).judgement.confidence is None


def test_the_first_rules_of_a_list_without_end_are_read() -> None:
    cited = ["none"] * 31 + ["HH2.a", "HH2.b"]
    judgement = judged(an_answer(rules=cited)).judgement
    assert (judgement.rules, judgement.rules_dropped) == (("HH2.a",), 31)


def test_huge_texts_are_cut() -> None:
    """A rationale or reasoning without end is cut to its bound."""
    judgement = judged(an_answer(rationale="r" * 100_000), reasoning="x" * 100_000).judgement
    assert len(judgement.rationale) == 2_000
    assert len(judgement.reasoning) == 20_000


def test_a_lone_surrogate_in_an_answer_can_be_written() -> None:
    """An escape that is no character makes a fault or a text that can be encoded, never a crash."""
    content = '{"label":"HH1","label":"HH1","rationale":"\\ud800"}'
    result = read_completion(a_completion(content), POLICY)
    if isinstance(result, Reading):
        assert orjson.dumps(result.judgement.rationale)
    else:
        assert result is Fault.UNREADABLE


def test_a_cut_prompt_voids_the_answer() -> None:
    """An answer to a prompt shorter than the policy is a fault; an uncounted prompt is not."""
    body = a_completion(an_answer("HH0"))
    assert read_completion(body, POLICY, 401) is Fault.PROMPT_TRUNCATED
    assert seen(read_completion(body, POLICY, 400)) == ("HH0", Repair.NONE)
    without = orjson.loads(body)
    del without["usage"]
    assert seen(read_completion(orjson.dumps(without), POLICY, 401)) == ("HH0", Repair.NONE)
    one = orjson.dumps(without | {"usage": {"prompt_tokens": 1}})
    assert read_completion(one, POLICY, 401) is Fault.PROMPT_TRUNCATED


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "400",
        {"prompt_tokens": "400", "completion_tokens": True},
        {"prompt_tokens": -1, "prompt_tokens_details": 5, "completion_tokens_details": []},
        {"prompt_tokens": None, "prompt_tokens_details": {"cached_tokens": 1.5}},
    ],
)
def test_tokens_that_are_no_counts_are_zero(usage: object) -> None:
    """A server that counts in another way, or not at all, costs no verdict."""
    document = orjson.loads(a_completion(an_answer())) | {"usage": usage}
    result = read_completion(orjson.dumps(document), POLICY, 100)
    assert isinstance(result, Reading)
    assert result.judgement.tokens == Tokens()


# A host's own 400.


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"failed_generation": an_answer()}, ("HH2", Repair.NONE)),
        ({"failed_generation": f"```json\n{an_answer()}\n```"}, ("HH2", Repair.FENCES)),
        ({"failed_generation": an_answer()[:30]}, Fault.UNREADABLE),
        ({"failed_generation": an_answer("ZZ9")}, Fault.UNKNOWN_LABEL),
        ({"failed_generation": " "}, Fault.EMPTY),
        ({"failed_generation": {"label": "HH0"}}, Fault.EMPTY),
        ({"code": "json_validate_failed"}, Fault.NOT_A_COMPLETION),
        ("failed_generation", Fault.NOT_A_COMPLETION),
        (None, Fault.NOT_A_COMPLETION),
    ],
)
def test_failed_generation(error: object, expected: Expected) -> None:
    """What a host refused as no JSON is read by the same rules as any answer."""
    assert seen(read_failed_generation(orjson.dumps({"error": error}), POLICY)) == expected


# Totality.

WORDS = st.sampled_from(
    ["label", "rules", "HH0", "HH2", "ZZ9", "HH2.a", "stop", "choices", "message", "content"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner),
    max_leaves=12,
)
COMPLETIONS = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "message": st.fixed_dictionaries(
                        {},
                        optional={
                            "content": JSON | st.builds(lambda j: orjson.dumps(j).decode(), JSON),
                            "reasoning": JSON,
                            "reasoning_content": JSON,
                        },
                    )
                    | JSON,
                    "finish_reason": st.sampled_from(["stop", "length", None]) | JSON,
                },
            )
            | JSON,
            max_size=2,
        )
        | JSON,
        "usage": JSON,
        "error": JSON,
    },
)


def is_sound(result: Reading | Fault) -> bool:
    """Whether a result is a fault, or a judgement in the policy's own words that can be written."""
    if isinstance(result, Fault):
        return True
    judgement = result.judgement
    return (
        judgement.outcome is POLICY.outcomes[judgement.label]
        and set(judgement.rules) <= set(POLICY.rules)
        and judgement.confidence in (None, "low", "medium", "high")
        and judgement.rules_dropped >= 0
        and bool(orjson.dumps([judgement.policy, judgement.rationale, judgement.reasoning]))
        and bool(orjson.dumps(judgement.tokens._asdict()))
    )


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Whatever bytes come, there is a judgement in the policy's own words or a fault."""
    assert is_sound(read_completion(body, POLICY))
    assert is_sound(read_failed_generation(body, POLICY))


@settings(max_examples=200, deadline=None)
@given(COMPLETIONS, st.integers(0, 500))
def test_any_completion(document: object, prompt_tokens_min: int) -> None:
    """Whatever the shape of a completion, reading it is total."""
    body = orjson.dumps(document)
    assert is_sound(read_completion(body, POLICY, prompt_tokens_min))
    assert is_sound(read_failed_generation(body, POLICY))


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 6), FRAGMENTS | st.text(max_size=4)), max_size=4
)
GOOD_ANSWERS = [
    an_answer(),
    an_answer("HH0"),
    f"```json\n{an_answer()}\n```",
    STUB + an_answer(),
    f"{ANALYSIS}<|channel|>final<|message|>{an_answer()}<|return|>",
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GOOD_ANSWERS), MUTATIONS)
@example('{"label":"HH2","label":"HH2","rationale":"\\udfff"}', [])
@example('{"label":"HH2","rules":[{"a":' + "[" * 3_000, [])
def test_any_mutation_of_a_good_answer(content: str, mutations: list[tuple[int, int, str]]) -> None:
    """However a good answer is damaged, reading it is total and never invents a label."""
    for at, removed, inserted in mutations:
        at = min(at, len(content))
        content = content[:at] + inserted + content[at + removed :]
    assert is_sound(read_completion(a_completion(content), POLICY))


@pytest.mark.timeout(4)
@pytest.mark.parametrize(
    "content",
    [
        "```json\n" + "\n" * 8_000 + "x",
        "```" + " " * 20_000 + "x",
        "```json" + " \n" * 4_000 + "``",
        "I'm " + " " * 20_000 + "x",
        "<|channel|>final" * 2_000,
        "<|channel|>final<|message|>" * 2_000,
        "x" + "{" * 100_000,
        "x" + '{"a":' * 20_000,
        '{"label":' * 10_000,
        "HH0\n" * 10_000,
    ],
    ids=range(10),
)
def test_no_answer_takes_long_to_read(content: str) -> None:
    """An answer that repeats itself without end is a fault at once: the loop is never held up."""
    assert isinstance(read_completion(a_completion(content), POLICY), Fault)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (an_answer("HH0"), {"refusal": "I will not say."}),
        (None, {"refusal": "I will not say."}),
        ([{"type": "refusal", "refusal": "I will not say."}], {}),
        (
            [
                {"type": "text", "text": an_answer("HH0")},
                {"type": "refusal", "refusal": "I will not say."},
            ],
            {"refusal": None},
        ),
    ],
)
def test_a_refusal_in_a_place_of_its_own_outweighs_any_answer(
    content: object, message: dict[str, object]
) -> None:
    """A field beside the answer, or a part of it: either is enough."""
    assert read(content, **message) == Fault.REFUSAL


@pytest.mark.parametrize(
    "content",
    [
        '{"error": "I\'m sorry, but I can\'t help with that."}',
        '{"refusal": "I cannot help with that."}',
        '{"label": "I\'m sorry, but I can\'t help with that."}',
        "Answer (HH0 or HH1 or HH2): I'm sorry, I can't",
        '```json\n{"error": "Lo siento, pero no puedo ayudar"}\n```',
        f'{ANALYSIS}<|channel|>final<|message|>{{"error": "I\'m sorry, I can\'t"}}',
        an_answer("HH0", refusal="I cannot help with that."),
        an_answer("HH0", rationale="很抱歉，我无法协助。"),
        "죄송하지만 도와드릴 수 없습니다.",
    ],
    ids=range(9),
)
def test_a_refusal_has_no_shape_of_its_own(content: str) -> None:
    """Models put it into whatever they were asked for, in the language of the text."""
    assert read(content) == Fault.REFUSAL


def test_words_in_reasoning_that_leaked_are_no_refusal() -> None:
    """What a model thinks on its way is no answer, be it a label or a refusal."""
    content = "<|channel|>analysis<|message|>I'm sorry, I can't help. I go on"
    assert read(content) == Fault.RAW_HARMONY


@pytest.mark.parametrize("reason", ["max tokens", "MAX_TOKENS", "model_length"])
def test_finish_reasons_of_what_was_cut_off(reason: str) -> None:
    assert read(an_answer("HH0"), reason) == Fault.TRUNCATED


@pytest.mark.parametrize("reason", ["SPII", "ERROR_TOXIC", "IMAGE_SAFETY"])
def test_finish_reasons_of_what_was_kept_back(reason: str) -> None:
    assert read(an_answer("HH0"), reason) == Fault.REFUSAL


def test_an_answer_among_the_reasoning_is_looked_for_at_its_end() -> None:
    """Within the last 4,000 characters, so that endless reasoning costs little."""
    answer = an_answer()
    within = answer + " " * (4_000 - len(answer))
    assert read(None, reasoning=within) == Fault.ONLY_IN_REASONING
    assert read(None, reasoning=within + " ") == Fault.EMPTY


@pytest.mark.parametrize(("count", "expected"), [(8, ("HH2", Repair.NONE)), (9, Fault.AMBIGUOUS)])
def test_so_many_choices_that_agree_are_read(count: int, expected: Expected) -> None:
    """One was asked for; what sends very many of them is not read to the end."""
    body = orjson.loads(a_completion(an_answer()))
    body["choices"] *= count
    assert seen(read_completion(orjson.dumps(body), POLICY)) == expected


def test_of_choices_that_agree_the_first_is_told() -> None:
    body = orjson.loads(a_completion(an_answer(rationale="one")))
    body["choices"] += orjson.loads(a_completion(an_answer(rationale="two")))["choices"]
    found = read_completion(orjson.dumps(body), POLICY)
    assert isinstance(found, Reading)
    assert found.judgement.rationale == "one"


@pytest.mark.parametrize(("blanks", "is_read"), [(184, True), (185, False)])
def test_a_header_that_goes_on_is_none(blanks: int, is_read: bool) -> None:
    """Two hundred characters of it; what is longer is text that a model made up."""
    content = f"<|channel|>final{' ' * blanks}<|message|>{an_answer('HH0')}"
    found = read_completion(a_completion(content), POLICY)
    assert isinstance(found, Reading) is is_read
    assert (found is Fault.RAW_HARMONY) is not is_read
