"""Tables of packs: whatever their columns are called, prompts and replies are cases."""

from __future__ import annotations

import io

import pytest

from consumer.commands.evaluate.cases.labelled import BadRow
from consumer.commands.evaluate.cases.lines import lines_of
from consumer.commands.evaluate.cases.tables import cell_rows
from consumer.commands.packs.cut import PackCases
from consumer.commands.packs.labels import label_meant
from consumer.commands.packs.table import Rows, hits_of, read_table
from consumer.domain.policy import Outcome, Policy
from tests.builders import a_policy
from tests.unit.commands.packs.packs import TABLE

POLICY = a_policy(
    name="river",
    outcomes={"RS0": Outcome.ALLOW, "RS1": Outcome.FLAG, "RS2": Outcome.FLAG},
)
TWO = a_policy(name="rude", outcomes={"OK": Outcome.ALLOW, "RUDE": Outcome.FLAG})


def rows_of(text: str) -> Rows:
    return list(cell_rows(lines_of(io.BytesIO(text.encode()), "t.csv"), ","))


def read(text: str, policy: Policy = POLICY) -> PackCases:
    return read_table("t.csv", rows_of(text), policy)


def test_prompts_and_replies() -> None:
    """A reply is a case of its own, which knows what it answers; a text counts once."""
    found = read(TABLE)
    assert [(case.id, case.group, case.labels["river"]) for case in found.cases] == [
        ("river-0003", "prompt", "RS0"),
        ("river-0003-reply", "reply", "RS0"),
        ("river-0005", "prompt", "RS1"),
        ("river-0005-reply", "reply", "RS0"),
        ("river-0006", "prompt", "RS2"),
        ("river-0008-reply", "reply", "RS0"),
    ]
    reply = found.cases[1]
    assert reply.text == 'It keeps you up,\nwhich "helps".'
    assert reply.setting is not None
    assert reply.setting.author == "assistant"
    assert reply.setting.earlier == (("user", "Why wear a vest?"),)
    assert found.cases[0].setting is None


def test_rows_that_are_no_cases() -> None:
    """Two labels, a label that nobody has, and a text that was labelled otherwise before."""
    found = read(TABLE)
    assert [(cut.line, cut.why) for cut in found.lost] == [
        (7, "an answer has one label, here is RS1, RS2"),
        (7, "line 5 has the same text with RS0, here it has RS1"),
        (8, "label RS9: river has RS0, RS1, RS2"),
    ]


def test_eight_flags_at_once() -> None:
    """Columns called as labels hold flags: one raised is a label, several are none."""
    found = read("text,RS1,RS2\nplain,0,0\npraise,1,0\nboth,1,1\nunknown,,\nsteps,false,TRUE\n")
    assert [(case.text, case.labels["river"]) for case in found.cases] == [
        ("plain", "RS0"),
        ("praise", "RS1"),
        ("unknown", "RS0"),
        ("steps", "RS2"),
    ]
    assert [(cut.line, cut.why) for cut in found.lost] == [
        (4, "an answer has one label, here are 2 flags: RS1, RS2")
    ]


def test_a_table_without_labels_and_one_with_broken_quotes() -> None:
    """Both are said, and nothing is made up."""
    found = read("a,b\nx,y\n")
    assert (found.cases, found.lost[0].why) == ((), "no column holds labels of river")
    rows = rows_of('text,label\n"open,RS0\nfine,RS1\n')
    assert isinstance(rows[1], BadRow)
    found = read_table("t.csv", rows, POLICY)
    assert [case.text for case in found.cases] == ["fine"]
    assert "quote" in found.lost[0].why


def test_whose_table_it_is() -> None:
    """That of the policy whose labels are in it, as they are spelled."""
    rows = rows_of("label,text\nRUDE,you goose\nok,hm\n")
    assert (hits_of(rows, TWO), hits_of(rows, POLICY)) == (1, 0)
    found = read_table("t.csv", rows, TWO)
    assert [(case.text, case.labels["rude"]) for case in found.cases] == [
        ("you goose", "RUDE"),
        ("hm", "OK"),
    ]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("OK", "OK"),
        (" `rude` ", "RUDE"),
        ("1", "RUDE"),
        ("1.0", "RUDE"),
        ("INVALID", "RUDE"),
        ("no", "OK"),
        ("Valid", "OK"),
        ("2", None),
        ("", None),
    ],
)
def test_what_a_cell_means(word: str, label: str | None) -> None:
    """A common word means the only label that it can."""
    assert label_meant(word, TWO.outcomes) == label
    of_three = label_meant(word, POLICY.outcomes)
    assert of_three == ("RS0" if label == "OK" and word.strip() != "OK" else None)


def test_texts_are_the_longest_column_before_the_label() -> None:
    """Numbers and ids stand beside them; where nothing stands before, what stands behind."""
    found = read("text,id,label,note\nwear a vest,17,RS0,a longer note than the text\n")
    assert [case.text for case in found.cases] == ["wear a vest"]
    found = read("label,id,text\nRS1,17,jumping is fun\n")
    assert [case.text for case in found.cases] == ["jumping is fun"]
    (lost,) = read("RS1,RS0\n").lost
    assert lost.why == "no column holds labels of river"


def test_rows_above_the_first_case() -> None:
    """Notices and a header, as many as five; what comes later must be a case."""
    notices = "".join(f"notice {n},\n" for n in range(5))
    found = read(f"{notices}one,RS0\ntwo,\nthree, \n,RS1\n")
    assert [case.text for case in found.cases] == ["one"]
    assert found.lost == ()
    found = read(f"{notices}late,notice\none,RS0\n")
    assert [(cut.line, cut.why) for cut in found.lost] == [
        (6, "label notice: river has RS0, RS1, RS2")
    ]


def test_flags_without_a_text_or_in_a_short_row() -> None:
    """An empty text is no case, and a cell that is not there is no flag."""
    found = read('RS1,text,RS2\n1,,0\n0,"steps, slowly",1\n1\n"open,x,1\n')
    assert [(case.id, case.group, case.text) for case in found.cases] == [
        ("river-0003", "prompt", "steps, slowly")
    ]
    assert [cut.line for cut in found.lost] == [5]


def test_a_flag_for_some_labels_alone() -> None:
    """Where it is not raised, nobody says what the text is; for two labels it says both."""
    found = read("text,RS1\nplain,0\npraise,1\n")
    assert [(case.text, case.labels["river"]) for case in found.cases] == [("praise", "RS1")]
    assert [(cut.line, cut.why) for cut in found.lost] == [
        (2, "no flag is raised, and not each label has one")
    ]
    found = read("text,RUDE\nplain,0\ngoose,1\n", TWO)
    assert [case.labels["rude"] for case in found.cases] == ["OK", "RUDE"]


def test_a_text_that_reads_like_a_label_makes_no_column_of_labels() -> None:
    """Most of what a column of labels holds is labels."""
    rows = "".join(f"words {number},RS1\n" for number in range(9)) + "RS0,RS2\n"
    found = read("said,meant\n" + rows)
    assert [case.text for case in found.cases] == [*(f"words {n}" for n in range(9)), "RS0"]
    assert [case.labels["river"] for case in found.cases] == ["RS1"] * 9 + ["RS2"]


def test_a_row_that_ends_early_has_empty_cells() -> None:
    """And where no column holds labels that is said of the first line."""
    found = read("said,meant\nwords,RS1\nshort\nmore,RS0\n")
    assert [case.text for case in found.cases] == ["words", "more"]
    assert [cut.line for cut in read("a,b\nx,y\n").lost] == [1]


def test_beside_flags_the_longest_cell_is_the_text() -> None:
    """Whatever else stands there is shorter, such as a number."""
    found = read("id,text,RS1,RS2\n7,words,1,0\n")
    assert [(case.text, case.labels["river"]) for case in found.cases] == [("words", "RS1")]
