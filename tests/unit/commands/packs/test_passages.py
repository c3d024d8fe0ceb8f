"""A document comes apart by headings and passages, and nothing of it is lost or moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.packs.coded import read_coded
from consumer.commands.packs.cut import PackPolicy
from consumer.commands.packs.passages import TITLE_CHARS_MAX, Passage, chapters_of, sentences_of

TEXT = """above

# One
first line
second line

- a point
  goes on
- another
| a | b |

**Two**
**not alone** and more

```json
# no heading
- no point
```
**Three:**
"""


def test_headings_and_passages_know_their_lines() -> None:
    """A bold line is a heading where it stands apart; a fence is one passage."""
    found = [(each.level, each.title, each.line) for each in chapters_of(TEXT)]
    assert found == [(0, "", 1), (1, "One", 3), (2, "Two", 12), (2, "Three", 19)]
    above, one, two, _ = chapters_of(TEXT)
    assert [(each.line, each.text) for each in above.passages] == [(1, "above")]
    assert [(each.line, each.text) for each in one.passages] == [
        (4, "first line\nsecond line"),
        (7, "- a point\n  goes on"),
        (9, "- another"),
        (10, "| a | b |"),
    ]
    assert [each.line for each in two.passages] == [13, 15]
    assert two.passages[1].text == "```json\n# no heading\n- no point\n```"
    assert one.text == (
        "# One\n\nfirst line\nsecond line\n\n- a point\n  goes on\n- another\n| a | b |"
    )


def test_a_bold_line_right_after_a_passage_is_none() -> None:
    """Else the label of a list's point would begin a section."""
    (only,) = chapters_of("- **a** – b\n**Output:** no")
    assert [each.text for each in only.passages] == ["- **a** – b", "**Output:** no"]
    assert chapters_of("words\n**Bold**")[-1].level == 0
    assert chapters_of("words\n\n**Bold:**")[-1].title == "Bold"


def test_sentences_have_lines_of_their_own() -> None:
    """Abbreviations without a capital after them end none."""
    passage = Passage(5, "One e.g. two.\nThree! `Four`\nfive.")
    assert [(each.line, each.text) for each in sentences_of(passage)] == [
        (5, "One e.g. two.\n"),
        (6, "Three! "),
        (6, "`Four`\nfive."),
    ]


@given(st.text(alphabet="aB .!?\n-*#`|\"'(", max_size=80))
def test_nothing_is_lost(text: str) -> None:
    """Every word of a document is in one passage or title, and sentences make the passage."""
    sections = chapters_of(text)
    words = "".join(each.title + "".join(p.text for p in each.passages) for each in sections)
    kept = "".join(words.split())
    for mark in "aB":
        assert kept.count(mark) == text.count(mark)
    for section in sections:
        for passage in section.passages:
            assert "".join(each.text for each in sentences_of(passage)) == passage.text
            start = passage.text.split("\n")[0]
            assert text.split("\n")[passage.line - 1].startswith(start)


def test_a_fence_ends_with_its_own_mark() -> None:
    """And what follows is a passage of its own."""
    (only,) = chapters_of("  ~~~\n```\n# a\n ~~~\nafter\n\n```\nopen")
    assert [each.text for each in only.passages] == ["  ~~~\n```\n# a\n ~~~", "after", "```\nopen"]


@pytest.mark.parametrize(
    "text",
    [
        "a\n" * 200_000,
        "# " + " " * 300_000 + "x",
        "| " + " " * 300_000 + "x",
        "- A1.a" + " " * 300_000 + "x",
        "A. " * 100_000,
        '- "' + '" ' * 100_000,
        "```\n" + "b\n" * 200_000,
    ],
    ids=["lines", "heading", "row", "rule", "sentences", "quotes", "fence"],
)
def test_however_large_it_comes_to_an_end(text: str) -> None:
    """The work grows as the document does, and no faster."""
    found = read_coded("p.md", "p", f"## Bad (A1)\n\n{text}\n")
    assert isinstance(found, PackPolicy)


def test_a_heading_ends_the_passage_before_it() -> None:
    """Though no blank line stands between them; a line too long for a title is none."""
    first, one = chapters_of("words\n# One\nmore")
    assert [passage.text for passage in first.passages] == ["words"]
    assert [passage.text for passage in one.passages] == ["more"]
    longest = "# " + "x" * (TITLE_CHARS_MAX - 2)
    assert [len(chapters_of(each)) for each in (longest, longest + "x")] == [2, 1]
