"""Columns and values are what the person says they are, and what cannot be meant is said."""

from __future__ import annotations

import pytest

from consumer.commands.evaluate.cases.columns import Reader, columns_of
from consumer.commands.evaluate.cases.labelled import BadRow, CaseRow, LabelledText
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.errors import InvalidSettings
from tests.builders import a_policy, a_version

HATE = a_policy(name="hate")
SPAM = a_policy(name="spam", outcomes={"SP0": Outcome.ALLOW, "SP2": Outcome.BLOCK})
VERSION = a_version(HATE, SPAM)
BITS = a_version(
    *(
        a_policy(name=name, outcomes={"0": Outcome.ALLOW, "1": Outcome.FLAG})
        for name in ("sexual", "violence")
    )
)


def read(
    fields: dict[str, object],
    maps: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    version: PolicyVersion = VERSION,
) -> LabelledText | BadRow:
    return Reader(columns_of(maps, labels), version).read(CaseRow(7, {"text": "x", **fields}))


def labels_of(*args: object, **words: object) -> object:
    found = read(*args, **words)  # type: ignore[arg-type]
    return found.labels if isinstance(found, LabelledText) else found.problem


def test_a_label_belongs_to_the_policy_that_has_it() -> None:
    """Or to the one that the row names."""
    assert labels_of({"label": "SP2"}) == {"spam": "SP2"}
    assert labels_of({"label": "HH0", "policy": "hate"}) == {"hate": "HH0"}


def test_facts_from_columns_of_other_names() -> None:
    """The id is the line where there is none."""
    found = read({"tweet": "hi", "row": 3, "g": "men"}, ("text=tweet,id=row", "group=g"))
    assert found == LabelledText(7, "3", "hi", "", "men", {})
    assert read({"lang": "de"}) == LabelledText(7, "7", "x", "de", "", {})


def test_facts_are_bounded_and_can_be_written() -> None:
    """A cell that went astray does not fill the report, nor stop it from being written."""
    found = read({"id": "x" * 5_000, "lang": "\ud800"})
    assert isinstance(found, LabelledText)
    assert (len(found.id), found.language) == (100, "?")


def test_values_are_mapped_and_unknown_ones_are_no_label() -> None:
    """`none` is a label in many sets; a question mark says that there is none."""
    words = ("hate=HH2,none=HH0,odd=?",)
    assert labels_of({"label": "hate"}, (), words) == {"hate": "HH2"}
    assert labels_of({"label": "none"}, (), words) == {"hate": "HH0"}
    assert labels_of({"label": "odd", "policy": "hate"}, (), words) == {"hate": None}
    for nothing in (None, "", "nan", "NULL", float("nan")):
        assert labels_of({"label": nothing, "policy": "hate"}) == {"hate": None}


def test_a_column_for_each_policy() -> None:
    """1, 1.0 and true are the same word, and a missing key is an unknown label."""
    maps = ("label.sexual=S", "label.violence=V")
    assert labels_of({"S": 1.0, "V": False}, maps, (), BITS) == {"sexual": "1", "violence": "0"}
    assert labels_of({"S": True}, maps, (), BITS) == {"sexual": "1", "violence": None}
    values = ("sexual.yes=1", "violence.yes=0")
    assert labels_of({"S": "yes", "V": "yes"}, maps, values, BITS) == {
        "sexual": "1",
        "violence": "0",
    }


def test_several_labels_of_one_text() -> None:
    """As a list, or by policy."""
    assert labels_of({"labels": ["HH1", "SP0"]}) == {"hate": "HH1", "spam": "SP0"}
    assert labels_of({"labels": {"hate": "HH1", "spam": None}}) == {"hate": "HH1", "spam": None}
    assert labels_of({"labels": ["HH1"], "label": "SP2"}) == {"hate": "HH1", "spam": "SP2"}
    assert labels_of({"label": ["HH1", "SP2"]}) == {"hate": "HH1", "spam": "SP2"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"label": "odd"}, "the version has HH0, HH1, HH2, SP0, SP2"),
        ({"label": "SP2", "policy": "hate"}, "hate has HH0, HH1, HH2; --labels SP2=LABEL"),
        ({"label": "SP2", "policy": "other"}, "policy other: the version has hate, spam"),
        ({"labels": ["HH1", "HH2"]}, "two labels under hate, HH1 and HH2: give one"),
        ({"text": "  "}, "text is empty"),
        ({"text": None}, "text is no text"),
        ({"text": 5}, "text is a number"),
        ({"context": 5}, "context"),
        ({"text": "é" * 600_000}, "longer than 1,000,000 bytes"),
        ({"text": "a\ud800"}, "character 2 of the text is half a one"),
    ],
)
def test_what_is_wrong_with_a_row(fields: dict[str, object], problem: str) -> None:
    """What, and how to mend it."""
    found = read(fields)
    assert isinstance(found, BadRow)
    assert found.line == 7
    assert problem in found.problem


def test_the_longest_text_is_read() -> None:
    assert isinstance(read({"text": "é" * 500_000}), LabelledText)


def test_the_mapping_is_shown_as_it_was_asked_for() -> None:
    """A line for each fact, policy and value; of the columns some row must have each."""
    columns = columns_of(["text=tweet,label.hate=H"], ["1=HH2"])
    assert columns.asked == ("tweet", "H")
    assert columns.lines() == [
        "text       from column tweet",
        "label under hate from column H",
        "'1'        means HH2",
    ]


def test_a_row_without_the_texts_column() -> None:
    """Which is another thing than an empty one: the columns are parted or named otherwise."""
    found = Reader(columns_of((), ()), VERSION).read(CaseRow(7, {"text;label": "x;HH0"}))
    assert str(found) == "line 7: has no text: --map text=COLUMN says where the text is"


def test_a_label_of_two_policies() -> None:
    """Nobody guesses which is meant."""
    assert "label 1 is in sexual and violence: --map" in str(labels_of({"label": 1}, version=BITS))


@pytest.mark.parametrize(
    ("maps", "labels", "problem"),
    [
        (("text",), (), "--map text: write NAME=VALUE"),
        (("txt=a",), (), "--map txt: there are text"),
        (("label.=S",), (), "--map label.: there are text"),
        ((), ("=HH2",), "--labels =HH2"),
        (("label.other=S",), (), "--map label.other: chat"),
    ],
)
def test_words_that_cannot_be_meant(
    maps: tuple[str, ...], labels: tuple[str, ...], problem: str
) -> None:
    """Are settings to mend."""
    with pytest.raises(InvalidSettings, match=problem):
        read({}, maps, labels)
