"""What users wrote is shown and obeyed in nothing: escaped, isolated, cut, and seen on demand."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from consumer.review.console.app import FILES
from consumer.review.console.harmless import TEXT_CHARS_MAX, carried, name_of, shown
from consumer.review.console.marking import marked_lines
from tests.cases import a_report
from tests.console import ConsoleScene

HOSTILE = {
    "markup": "</bdi></div><img src=x onerror=alert(1)>\"'><svg onload=alert(2)>",
    "script": "<script>alert(3)</script><style>*{display:none}</style>",
    "template": "{{ visit.form_token }} {% raw %} ${7*7} <!-- --> ]]>",
    "link": "javascript:alert(4) https://evil.example/?q=1 mailto:a@b.example",
    "bidi": "\u202egnihtemos\u202c \u2067abc \u200f\u061c",
    "nul": "a\0b\x08c\x1b[31m\x7f\x9b",
    "surrogate": "a\ud800b\udfffc",
    "zalgo": "Z" + "\u0337\u0321\u0489" * 400,
    "tags": "hi\U000e0068\U000e0069\ufe0f\u200b",
    "breaks": "one\r\ntwo\u2028three\u2029four\x0bfive\x0csix",
    "long": "x" * 1_000_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_texts_are_shown_harmlessly(scene: ConsoleScene, name: str) -> None:
    """In every place where somebody's words stand: text, author, context, ids, reports, labels."""
    text = HOSTILE[name]
    # What comes through JSON and the store has no halves of pairs; the pure tests below have.
    stored = text.encode("utf-8", "replace").decode()
    words = stored[:200]
    message = {
        "author": words,
        "conversation": words,
        "language": words,
        "context": [{"speaker": words, "text": stored}],
    }
    case = scene.flag(1, stored, message=message)
    scene.add(a_report(reporter=words, reason=words, note=words, position="chat/0/1"), "m-1")
    ann = scene.signed_in("ann")
    page = ann.follow(ann.post("/next"))
    paths = ("", "/text?whole=1", "/text?marked=1", "/text?whole=1&marked=1")
    answers = [page, *(ann.get(f"/cases/{case}{path}") for path in paths)]
    answers += [ann.get("/search?id=" + "%3Cscript%3E"), ann.get("/bulk?queue=review")]
    for answer in answers:
        assert answer.status_code == 200
        body = answer.content.decode("utf-8")
        for tag in ("<script>alert", "<img", "<svg onload", "<style>", "onerror=alert(1)>"):
            assert tag not in body
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", body)
        assert 'javascript:alert(4)"' not in body
    assert len(page.content) < 80_000, "what is long is cut until somebody asks"


def test_a_long_text_is_whole_on_demand(scene: ConsoleScene) -> None:
    case = scene.flag(1, "x" * 1_000_000)
    ann = scene.signed_in("ann")
    page = ann.follow(ann.post("/next"))
    assert "Show all 1,000,000 characters" in page.text
    assert "x" * 1_000_000 in ann.get(f"/cases/{case}/text?whole=1").text


def test_what_cannot_be_seen_is_named_on_demand() -> None:
    text = shown("a\u202eb\0c", marked=True)
    assert [part.mark for part in text.parts if part.mark] == [
        "U+202E RIGHT-TO-LEFT OVERRIDE",
        "U+0000",
    ]
    assert "".join(part.words for part in text.parts) == "abc"
    plain = shown("a\u202eb\0c")
    assert (plain.invisible, len(plain.parts)) == (2, 1)
    assert plain.parts[0].words == "a\u202eb\u2400c"
    assert shown("plain words\n\tof two lines").invisible == 0
    assert shown("", marked=True).parts == ()


def test_a_text_is_cut_at_its_bound() -> None:
    assert not shown("x" * TEXT_CHARS_MAX).is_cut
    cut = shown("x" * (TEXT_CHARS_MAX + 1))
    assert cut.is_cut
    assert (len(cut.parts[0].words), cut.chars) == (TEXT_CHARS_MAX, TEXT_CHARS_MAX + 1)
    assert not shown("x" * (TEXT_CHARS_MAX + 1), whole=True).is_cut


def test_what_no_page_can_carry_becomes_a_sign() -> None:
    assert carried("a\0\x1f\x7f\x80\ud800\uffffb") == "a\u2400\u241f\u2421\ufffd\ufffd\ufffdb"
    assert carried("tab\tand\r\nlines é \U0001f600") == "tab\tand\r\nlines é \U0001f600"
    assert carried("".join(map(chr, range(0x110000)))).encode()
    assert name_of("\u200b") == "U+200B ZERO WIDTH SPACE"


def test_the_cited_rule_is_marked_and_no_other() -> None:
    text = "HH2 is bad\n- HH2.a: worse\n- HH2.ab: other\n- XHH2.a\nsee HH2.a.\n(HH2.a)"
    cited = [line.words for line in marked_lines(text, ["HH2.a"]) if line.is_cited]
    assert cited == ["- HH2.a: worse", "see HH2.a.", "(HH2.a)"]
    assert [line.is_cited for line in marked_lines("HH2 bad\nHH2.a", ["HH2"])] == [True, False]
    assert not any(line.is_cited for line in marked_lines(text, []))


def test_the_script_that_others_wrote_is_the_one_that_was_vendored() -> None:
    """htmx 2.0.11 as npm has it (0BSD); whoever changes it changes this hash."""
    found = sha256((FILES / "htmx.min.js").read_bytes()).hexdigest()
    assert found == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_no_template_has_script_or_style_of_its_own() -> None:
    """The policy of the pages would stop it, and a page would quietly do less."""
    for file in (FILES.parent / "templates").iterdir():
        text = file.read_text()
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text), file.name
        assert "|safe" not in text.replace("'aria-current=\"page\"'|safe", "").replace(
            "'aria-current=\"true\"'|safe", ""
        ), file.name
