"""Each rule's answers, the clearest errors on each side, and answers without a rule."""

from __future__ import annotations

from consumer.commands.evaluate.cases.labelled import LabelledText, text_digest
from consumer.commands.evaluate.measures.citations import Citations
from consumer.commands.evaluate.runs.answer import KeptAnswer
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import NO_TOKENS, UnjudgedReason
from tests.builders import a_policy

POLICY = a_policy(name="p", rules={"HH1.a": "rude", "HH2.a": "insult", "HH2.b": "threat"})


def add(
    found: Citations,
    line: int,
    due: str,
    given: str | None,
    rules: tuple[str, ...] = (),
    score: float | None = 0.5,
    quoted: tuple[str, ...] = (),
) -> None:
    text = LabelledText(line, f"c{line}", f"text {line}", "", "", {"p": due})
    outcome = None if given is None else POLICY.outcomes[given]
    reason = UnjudgedReason.MODEL_FAULT if given is None else None
    facts = (given, outcome, reason, (), score, False, False, 1.0, 1, NO_TOKENS, rules, quoted)
    found.add(text, KeptAnswer("k", "case", "v1", "p", *facts))


def test_a_rules_answers_by_label_and_side() -> None:
    """Harsher and milder than was due by the outcome; right by the label."""
    found = Citations(POLICY)
    add(found, 1, "HH2", "HH2", ("HH2.a", "HH2.b"))
    add(found, 2, "HH0", "HH2", ("HH2.a",), 0.9)
    add(found, 3, "HH2", "HH1", ("HH1.a", "HH2.a"))
    add(found, 4, "HH2", None, ("HH2.a",))
    add(found, 5, "HH0", "HH0", ("ZZ.z",))
    rude, insult, threat = found.measures().rules
    assert (insult.rule, insult.words, insult.cited) == ("HH2.a", "insult", 3)
    assert insult.given == {"HH2": 2, "HH1": 1}
    assert insult.right is not None
    assert round(insult.right.value, 3) == 0.333
    assert (insult.too_harsh, insult.too_mild) == (1, 1)
    (harsh,), (mild,) = insult.clearest_harsh, insult.clearest_mild
    assert (harsh.line, harsh.due, harsh.given, harsh.score) == (2, "HH0", "HH2", 0.9)
    assert harsh.text_digest == text_digest("text 2")
    assert (mild.line, mild.due, mild.given) == (3, "HH2", "HH1")
    assert (rude.too_mild, rude.cited, threat.cited, threat.too_harsh) == (1, 1, 1, 0)
    assert threat.right is not None
    assert threat.right.value == 1


def test_a_flag_for_an_allow_is_too_harsh() -> None:
    """One step is as good as two."""
    found = Citations(POLICY)
    add(found, 1, "HH0", "HH1", ("HH1.a",))
    add(found, 2, "HH1", "HH0", ("HH1.a",))
    rude = found.measures().rules[0]
    assert (rude.too_harsh, rude.too_mild) == (1, 1)


def test_a_rule_that_was_never_cited_is_there() -> None:
    """Its author wants to know that as well."""
    (first, *_) = Citations(POLICY).measures().rules
    assert (first.cited, first.right, first.given) == (0, None, {})


def test_the_clearest_are_those_of_which_the_model_was_sure() -> None:
    """The surest first, of equals the first; all are counted."""
    found = Citations(POLICY)
    for line, score in enumerate([0.1, 0.9, 0.5, 0.9, None, 0.3, 0.7, 0.2], 1):
        add(found, line, "HH0", "HH2", ("HH2.a",), score)
    insult = found.measures().rules[1]
    assert insult.too_harsh == 8
    assert [error.line for error in insult.clearest_harsh] == [2, 4, 7, 3, 6]


def test_answers_that_cite_no_rule() -> None:
    """Where something other than an allow was due or given; right or wrong."""
    found = Citations(POLICY)
    add(found, 1, "HH0", "HH0")
    add(found, 2, "HH2", "HH0", score=0.8)
    add(found, 3, "HH0", "HH1", score=0.9)
    add(found, 4, "HH1", "HH1", score=0.7)
    add(found, 5, "HH1", "HH1", ("HH1.a",))
    measures = found.measures()
    assert measures.uncovered == 3
    assert [error.line for error in measures.uncovered_named] == [3, 2, 4]
    for line in range(6, 40):
        add(found, line, "HH2", "HH0")
    assert len(found.measures().uncovered_named) == 20


def test_a_policy_without_rules_has_no_gaps() -> None:
    """There is nothing that could be cited."""
    found = Citations(
        a_policy(name="p", rules={}, outcomes={"HH0": Outcome.ALLOW, "HH2": Outcome.BLOCK})
    )
    add(found, 1, "HH2", "HH0")
    assert found.measures().uncovered == 0


def test_words_that_the_model_repeats_when_it_errs() -> None:
    """Beside how often it does when it is right; those of right answers alone are none."""
    found = Citations(POLICY)
    add(found, 1, "HH0", "HH2", quoted=("one", "two"))
    add(found, 2, "HH2", "HH0", quoted=("two",))
    add(found, 3, "HH2", "HH2", quoted=("two", "three"))
    quoted = [(q.words, q.in_errors, q.in_right) for q in found.measures().quoted]
    assert quoted == [("two", 2, 1), ("one", 1, 0)]


def test_kinds_of_words_have_an_end() -> None:
    """What came first is counted on; what comes later is not begun."""
    found = Citations(POLICY)
    kept = tuple(f"words {number}" for number in range(5_000))
    add(found, 1, "HH0", "HH2", quoted=kept)
    add(found, 2, "HH0", "HH2", quoted=("late", kept[-1], "late"))
    first, *others = found.measures().quoted
    assert (first.words, first.in_errors) == (kept[-1], 2)
    assert [quote.words for quote in others] == list(kept[:19])
    found = Citations(POLICY)
    add(found, 1, "HH0", "HH2", quoted=kept[:-1])
    add(found, 2, "HH0", "HH2", quoted=("late", "late"))
    assert found.measures().quoted[0].words == "late"
