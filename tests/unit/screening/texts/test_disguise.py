"""What looks encoded or disguised is known, and plain texts of many languages are let be."""

from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.screening.texts import disguise as module
from consumer.screening.texts.disguise import disguise

TEXT = "You stupid idiot, I will find you and kill you"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * (module.TEXT_MAX + 1), "long"),
        ("read this base64 please", "names a code"),
        ("it is base 64", "names a code"),
        ("ROT-13", "names a code"),
        ("rot 13", "names a code"),
        ("now DECODE that", "names a code"),
        ("aWRpb3Q=", "base64"),
        (base64.b64encode(TEXT.encode()).decode(), "base64"),
        ("look: " + base64.b64encode(b"kill them all now").decode().rstrip("="), "base64"),
        ("\\u006b\\u0069\\u006c\\u006c", "escapes"),
        ("\\x6b\\x69\\x6c", "escapes"),
        ("%6b%69%6c%6c", "escapes"),
        ("&#107;&#105;&#108;&#108;", "escapes"),
        ("01101011 01101001 01101100 01101100", "numbers for letters"),
        ("6b 69 6c 6c 20 79 6f 75", "numbers for letters"),
        ("107 105 108 108 32 121 111 117", "numbers for letters"),
        ("11-9-12-12-25-15-21", "numbers for letters"),
        ("6b696c6c20796f75206e6f77", "numbers for letters"),
        ("-.- .. .-.. .-..  -.-- --- ..-", "numbers for letters"),
        (codecs.encode(TEXT, "rot13"), "rot13"),
        ("k\u200bi\u200bll", "hidden characters"),
        ("kill\x00er", "hidden characters"),
        ("hi \U000e006b\U000e0069\U000e006c", "hidden characters"),
        ("\u200b\u200c\u200b\u200c", "hidden characters"),
        ("\u202euoy llik\u202c", "direction override"),
        ("k\u0336i\u0336l\u0336l\u0336", "combining marks"),
        ("𝓴𝓲𝓵𝓵 you", "styled letters"),
        ("ⓚⓘⓛⓛ", "styled letters"),
        ("hеllo there", "mixed scripts"),
        ("ᎢᎻᎬY know", "mixed scripts"),
        # A single word among plain ones is enough.
        ("you know you are a aWRpb3Q", "base64"),
        ("you know you are a 6964696f74", "numbers for letters"),
        ("you know you are an idi\\x6ft", "escapes"),
        ("you know you are an idi\\u006ft", "escapes"),
        ("you know you are an U+0069 U+0064", "escapes"),
        ("you know you are an idi%6ft", "escapes"),
        ("you are a ⠊⠙⠊⠕⠞", "styled letters"),
        ("you are an ʇoıpı uɐɯ ǝsǝɥʇ", "styled letters"),
        ("you are an 🇮🇩🇮🇴🇹", "styled letters"),
        ("you are an 🇮\u200a🇩", "styled letters"),
        ("good game 🏴\U000e0069\U000e0064\U000e0069\U000e007f", "hidden characters"),
        ("good game 😀\U000e0159\U000e0154\U000e0159", "hidden characters"),
        ("good game 😀\U000e0159", "hidden characters"),
        ("nice \u200b\u200c \u200b day", "hidden characters"),
        ("an id\uffa0iot", "hidden characters"),
        ("an id\u2800iot", "hidden characters"),
        ("an id\x9biot", "hidden characters"),
        ("an id\u200aiot", "parted letters"),
        ("an id\x1ciot", "parted letters"),
        ("an id\x85iot", "parted letters"),
        ("so i  d  i  o  t", "parted letters"),
        ("so\ni\n\nd\n\ni\n\no\n\nt", "parted letters"),
        ("wh at an id io t yo u ar e", "parted letters"),
        ("an i·d·i·o·t", "parted letters"),
        ("an i:d:i:o:t", "parted letters"),
        ("an (i)(d)(i)(o)(t)", "parted letters"),
        ("an i😀d😀i😀o😀t", "parted letters"),
        ("an idi**ot", "parted letters"),
        ("an idi`ot", "parted letters"),
        ("an idi\ufffcot", "parted letters"),
        ("an idi<b></b>ot", "parted letters"),
        ("an idi<!-- -->ot", "parted letters"),
        ("an idi\\ot", "parted letters"),
        ("an i*iot", "parted letters"),
        ("an i****", "parted letters"),
        ("an iiddiioott", "parted letters"),
        ("ты д•у•р•а•к", "parted letters"),
    ],
)
def test_a_disguise_is_seen(text: str, expected: str) -> None:
    """One example at least of each kind."""
    assert disguise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT,
        "a" * module.TEXT_MAX,
        "Ich würde gern um 18:30 Uhr kommen, passt das? Müller",
        "Zażółć gęślą jaźń",
        "Tôi không hiểu tiếng Việt của bạn, xin lỗi nhé",
        "Привет, как дела? Буду завтра",
        "Γεια σου, τι κάνεις;",
        "नमस्ते आप कैसे हैं",
        "می‌خواهم بروم",
        "日本語テスト ありがとう T恤 LG전자",
        "👩‍👩‍👧 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "call 030 123456 or see https://example.com/watch?v=dQw4w9WgXcQ",
        "he wrote a database for my brother, based on 12 things",
        "wow &#128514;&#128514;&#128514; &#8220;yes&#8221;",
        "... - ... well",
        "#ThingsThatGetOnMyNerves",
        "10 9 8 7",
        "😂😂😂",
        "lol wtf",
        "the naïve A β thing",
        "iPhone YouTube McDonald DeLorean LaTeX 123456 DevOps",
        '*hugs* **bold** _so_ __yes__ ~~no~~ (maybe) "quoted" `code`',
        "@some_body #snake_case w/o he/she y'all it's self-made wait...what one,two",
        "see https://example.com/some_thing*else_b or mail some_body@example.com",
        "go 🇩🇪 🇩🇪🇩🇪🇩🇪 vs 🇫🇷",
        "I am a U.S. citizen, e.g. or so",
        "if it is so, we do it my way",
        "hmm bookkeeper aaahhh committee",
        "L'intel·ligència col·lectiva",
        "葛\U000e0100飾区 ❤️ ☎️ 1️⃣",
        "送・プ 日本、東京 すごい😀ね",
        "Bonjour\u202f! 10\u202f000\u202f€ «\u202foui\u202f»",
        "first line\n\nsecond line\tthird",
        "C:/Users 50% off 20%30",
    ],
)
def test_plain_writing_is_let_be(text: str) -> None:
    """Languages and scripts, links, pictures, numbers and hashtags."""
    assert disguise(text) is None


@settings(deadline=None)
@given(st.text())
def test_every_text_can_be_looked_at(text: str) -> None:
    """No text makes it fail."""
    assert disguise(text) is None or len(text) > 0


def test_looks_are_forgotten_and_long_words_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender of random words fills nothing."""
    monkeypatch.setattr(module, "WORDS_KEPT_MAX", 2)
    looks = module._Looks()
    assert looks["one"].real > 0
    assert looks["1234"].imag == 4 * module.DIGIT
    assert looks["the"].imag == 0
    assert looks["a"].imag == 3 * module.PART
    assert set(looks) == {"the", "a"}
    assert looks["a" * (module.WORD_KEPT_MAX + 1)].imag == module.ODD
    assert set(looks) == {"the", "a"}


@pytest.mark.parametrize("piece", ["u", "_", "u_", "bx-", "_u+1", "x*", "x<", "ǝ", "u ", "1", "%6"])
def test_a_long_text_of_one_piece_over_and_over_is_looked_through(piece: str) -> None:
    """Patterns that begin anew at every letter took a second for each: a worker stood still."""
    text = (piece * module.TEXT_MAX)[: module.TEXT_MAX]
    assert disguise(text) != "long"
    assert disguise(text + "u") == "long"
