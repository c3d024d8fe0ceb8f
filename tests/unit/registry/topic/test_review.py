"""`[review]` in `topic.toml`: what it says, and what it may not say."""

from __future__ import annotations

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
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
