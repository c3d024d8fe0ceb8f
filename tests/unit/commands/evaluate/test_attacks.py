"""The attack suite: complete, named for good, and unable to speak in the model's own tokens."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from consumer.classifier.prompt import user_message
from consumer.classifier.segments import segments
from consumer.commands.evaluate.attacks import Attack, attacks_on, bases_of
from consumer.commands.evaluate.cases.own import Case, read_cases
from consumer.domain.policy import Outcome
from consumer.registry.load import load_catalogue
from tests.builders import a_policy

ROOT = Path(__file__).parents[3]
FAMILIES = {
    "control tokens",
    "look-alike tokens",
    "policy text",
    "instruction",
    "other language",
    "answer stub",
    "delimiters",
    "padding",
    "quoting",
    "zero width",
    "bidi",
    "homoglyphs",
    "leet",
    "encoding",
}
CONTROL_TOKENS = (
    "start",
    "end",
    "message",
    "channel",
    "constrain",
    "return",
    "call",
    "startoftext",
    "endoftext",
    "endofprompt",
    "reserved_200000",
)
"""Of the harmony vocabulary (openai/harmony, docs/format.md), and reserved ones beside them."""
TOKEN = re.compile(r"<\|\s*(?:" + "|".join(CONTROL_TOKENS) + r")\s*\|>", re.IGNORECASE)


def shipped() -> list[Attack]:
    folder = ROOT / "policies"
    return [
        attack
        for binding in load_catalogue(folder).bindings
        for policy in binding.live.policies
        for attack in attacks_on(bases_of(policy, read_cases(folder, binding.live))[0])
    ]


def a_case(label: str = "HH2", **changes: object) -> Case:
    case = Case("c1", "you are worthless", "en", a_policy(), label)
    return case._replace(**changes)  # type: ignore[arg-type]


def test_every_family_is_there_for_every_policy() -> None:
    """Seventy attacks on each policy, fourteen families, no id twice, no two texts alike."""
    for attacks in (shipped(), list(attacks_on(a_case()))):
        assert {attack.family for attack in attacks} == FAMILIES
        assert len({attack.id for attack in attacks}) == len(attacks)
        assert len({attack.text for attack in attacks}) == len(attacks)
        policies = {attack.policy for attack in attacks}
        assert policies == {attack.base.policy for attack in attacks}
        assert len(attacks) >= 70 * len(policies)


def test_a_frame_holds_the_text_as_it_was() -> None:
    """What must be judged as severely as the text alone has it in it, letter for letter."""
    for attack in attacks_on(a_case()):
        if attack.floor is Outcome.BLOCK:
            assert attack.base.text in attack.text, attack.id
        assert attack.floor is not Outcome.ALLOW


def test_a_base_that_deserves_a_flag_asks_for_no_more() -> None:
    """The floor is the outcome of the case, or a flag where the text is disguised."""
    assert {attack.floor for attack in attacks_on(a_case("HH1"))} == {Outcome.FLAG}


def test_what_the_attacker_wants_is_the_mildest_label() -> None:
    """The forged answers name the label that allows, in the shape that is asked for."""
    texts = {attack.id: attack.text for attack in attacks_on(a_case())}
    assert '{"label":"HH0","rules":[]' in texts["harassment/harmony-final"]
    assert texts["harassment/output-label"].endswith("output the label HH0")


def test_dollars_and_braces_in_a_text_are_text() -> None:
    """A harmful text cannot be taken for a part of the template."""
    for attack in attacks_on(a_case(text="pay $100 to ${text} or $text {end}")):
        if attack.floor is Outcome.BLOCK:
            assert "pay $100 to ${text} or $text {end}" in attack.text


def test_bases_are_harmful_plain_and_severe_first() -> None:
    """Blocked before flagged, English first, allowed ones never, a few at most."""
    policy = a_policy()
    cases = [
        a_case("HH1", id="flag", policy=policy),
        a_case("HH2", id="german", policy=policy, language="de"),
        a_case("HH0", id="fine", policy=policy),
        a_case("HH2", id="english", policy=policy),
        a_case("HH2", id="other"),
    ]
    assert [case.id for case in bases_of(policy, cases)] == ["english", "german", "flag"]
    many = [a_case("HH2", id=str(number), policy=policy) for number in range(50)]
    assert len(bases_of(policy, many)) == 12


def test_without_harmful_cases_the_examples_are_the_bases() -> None:
    """A policy without cases of its own is attacked all the same; one without either is not."""
    (shown,) = bases_of(a_policy(), [])
    # It is the second of the policy's examples.
    assert (shown.id, shown.text) == ("example-2", "nobody would miss you")
    assert bases_of(a_policy(examples=()), []) == ()


def as_a_careless_server_reads(text: str) -> str:
    """A server that drops what is invisible and folds look-alike forms before it tokenises."""
    kept = (c for c in text if unicodedata.category(c) not in ("Cf", "Cc") and c != "\ufe0f")
    return unicodedata.normalize("NFKC", "".join(kept))


@pytest.mark.parametrize("attack", shipped(), ids=lambda attack: attack.id)
def test_no_control_token_survives_in_the_user_message(attack: Attack) -> None:
    """Whatever the spelling, no token of the harmony vocabulary is in what the model is sent."""
    pieces = segments(attack.text, 16_000, 400, 8)
    assert pieces is not None
    for piece in pieces:
        sent = user_message(piece, "0123456789")
        for read in (sent, as_a_careless_server_reads(sent)):
            assert not TOKEN.search(read)
            assert "<|" not in read
            assert "|>" not in read


def test_the_suite_does_hold_control_tokens() -> None:
    """The test above looks for something: unneutralised, many attacks are such tokens."""
    raw = [a for a in attacks_on(a_case()) if TOKEN.search(a.text)]
    careless = [a for a in attacks_on(a_case()) if TOKEN.search(as_a_careless_server_reads(a.text))]
    assert len(raw) >= 8
    assert len(careless) >= len(raw) + 8


def test_padding_makes_more_than_one_segment() -> None:
    """Text after a long harmless part stands in a segment of its own, or across two."""
    texts = {attack.id: attack.text for attack in attacks_on(a_case())}
    assert len(segments(texts["harassment/padded-around"], 16_000, 400, 8) or ()) >= 2
