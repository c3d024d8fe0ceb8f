"""`[review]` in `topic.toml`: what it says, and what it may not say."""

from __future__ import annotations

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.registry.topic.file import TopicFile, read_topic_file

HEAD = 'topics = ["chat"]\nlive = 1\n'


def read(text: str) -> TopicFile:
    found = read_topic_file("topic.toml", (HEAD + text).encode())
    assert isinstance(found, TopicFile), found
    return found


def test_without_the_table_nobody_reviews() -> None:
    assert read("").review is None


def test_an_empty_table_has_the_terms_that_the_code_has() -> None:
    """Two places say the same defaults, so they are held together here."""
    table = read("[review]").review
    assert table is not None
    assert table.terms() == ReviewTerms()


def test_what_is_written_is_what_holds() -> None:
    table = read(
        '[review]\nsla_s = 3600\nqueue = "chat"\nescalation_queue = "lead"\n'
        'reports_to_escalate = 5\napprove_outcomes = ["block"]\n'
        'approve_labels = ["words.BAD.x"]\napprove_reach = 1000\n'
        'reports = "r.{topic}"\nappeals = "a.{topic}"\ndecisions = "d.{topic}"'
    ).review
    assert table is not None
    terms = table.terms()
    assert terms == ReviewTerms(
        sla_s=3600,
        queue="chat",
        escalation_queue="lead",
        reports_to_escalate=5,
        approve_outcomes=frozenset({Outcome.BLOCK}),
        approve_labels=frozenset({"words.BAD.x"}),
        approve_reach=1000,
        reports="r.{topic}",
        appeals="a.{topic}",
        decisions="d.{topic}",
    )
    assert terms.topics("chat") == ("r.chat", "a.chat", "d.chat")
    assert terms.topics("chat").dead_letters == ("r.chat.dead-letter", "a.chat.dead-letter")
    assert "r.{topic}.dead-letter" in terms.templates


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sla_s = 59", "sla_s"),
        ('queue = "Big Queue"', "small letters"),
        ('approve_outcomes = ["flag"]', "approve_outcomes"),
        ('approve_labels = ["BAD"]', "approve_labels"),
        ('reports = "all.reports"', r"needs \{topic\} in it"),
        ("reports_to_escalate = -1", "reports_to_escalate"),
        ("sla = 5", "sla"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(line: str, words: str) -> None:
    found = read_topic_file("topic.toml", (HEAD + "[review]\n" + line).encode())
    assert isinstance(found, list)
    assert found[0].line == 4
    with pytest.raises(ValueError, match=words):
        raise ValueError(str(found[0]))


def test_an_input_is_not_where_its_own_reports_go() -> None:
    text = '[review]\nreports = "x.{topic}"\n'
    head = 'topics = ["x.{topic}"]\nlive = 1\n'
    found = read_topic_file("topic.toml", (head + text).encode())
    assert isinstance(found, list)


def test_statements_are_called_what_the_database_calls_them() -> None:
    """Written short, as people write them; the defaults are valid ones."""
    table = read(
        '[review.statements]\ntopic = "{topic}.statements"\nterritory = ["DE", "AT"]\n'
        'exempt = ["spam.SP2"]\nvisibility = "DISABLED"\n'
        '[review.statements.categories]\n"words.BAD" = "CYBER_VIOLENCE"'
    ).review
    assert table is not None
    terms = table.terms().statements
    assert terms is not None
    assert terms.category == "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    assert terms.categories == {"words.BAD": "STATEMENT_CATEGORY_CYBER_VIOLENCE"}
    assert terms.visibility == "DECISION_VISIBILITY_CONTENT_DISABLED"
    assert terms.content_type == "CONTENT_TYPE_TEXT"
    assert terms.territory == ("AT", "DE")
    assert table.terms().all_topics("chat")[-1] == "chat.statements"
    assert len(ReviewTerms().all_topics("chat")) == 5
    empty = read("[review.statements]").review
    assert empty is not None
    assert empty.terms().statements == StatementTerms()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('category = "SPAM"', "has no category SPAM: there are ANIMAL_WELFARE"),
        ('visibility = "GONE"', "GONE: write one of AGE_RESTRICTED"),
        ('territory = ["US"]', "US: write one of AT"),
        ('topic = "statements"', "needs {topic} in it"),
        ('exempt = ["spam"]', "must be POLICY.LABEL"),
        ('url = "chat.example"', "must be a URL"),
    ],
)
def test_a_word_that_the_database_has_not_is_refused(line: str, words: str) -> None:
    found = read_topic_file("t.toml", (HEAD + "[review.statements]\n" + line).encode())
    assert isinstance(found, list)
    (flaw,) = found
    assert words in str(flaw)
    assert flaw.line == 4
