"""
`python -m tests.screening.languages`: how often the language of a short text is guessed right.

Translated messages of the programs that are installed here (free software, `*.mo`), without their
placeholders, by the language of their folder; and Davidson's tweets, which are English chat. The
first may be like what the library was made from, the second is not.
"""

from __future__ import annotations

import gettext
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from py3langid.langid import LanguageIdentifier

from consumer.domain.messages.language import LanguageTerms, guessed
from tests.generated import ROOT
from tests.screening.public_sets import lines_of

CATALOGUES = Path("/usr/share/locale")
OF_A_LANGUAGE = 600
"""Messages of each; languages with half as many are left out."""
TWEETS = 4_000
BANDS = ((4, 9), (10, 19), (20, 39), (40, 79), (80, 10**6))
"""Letters of a text, from and to."""
CERTAINTIES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
REPEATED = 300
_PLACEHOLDER = re.compile(
    r"%[-+ #0]*[\d$*.]*[hlLqjzt]*[a-zA-Z]|\{[^}]*\}|<[^>]*>|--?[\w-]+|\\\w|[\w./-]*/[\w./-]*"
    r"|_(?=\w)|&(?=\w)|\w+\(\d?\)|[A-Z_]{2,}|https?://\S+"
)
_OTHERWISE = {"nb": "no"}
"""Codes of folders that the library has another one for."""


class KnownText(NamedTuple):
    """A text and what it is written in."""

    language: str
    text: str

    @property
    def letters(self) -> int:
        return sum(map(str.isalpha, self.text))


def translations() -> list[KnownText]:
    """By seed, as many of each language."""
    known = set(LanguageIdentifier.from_model_file("data/model.npz.xz").labels)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in sorted(CATALOGUES.glob("*/LC_MESSAGES/*.mo")):
        code = file.parent.parent.name
        language = _OTHERWISE.get(code.split("_")[0], code.split("_")[0])
        if "@" not in code and language in known:
            found[language].update(_messages(file))
    dice, texts = Random(1), list[KnownText]()
    for language, said in sorted(found.items()):
        if len(said) >= OF_A_LANGUAGE // 2:
            chosen = dice.sample(sorted(said), min(len(said), OF_A_LANGUAGE))
            texts += [KnownText(language, text) for text in chosen]
    return texts


def _messages(file: Path) -> Iterable[str]:
    with file.open("rb") as opened:
        try:
            catalogue = vars(gettext.GNUTranslations(opened))["_catalog"]
        except (OSError, UnicodeDecodeError, IndexError):
            return
    for original, said in catalogue.items():
        if isinstance(original, str) and original and original != said:
            yield " ".join(_PLACEHOLDER.sub(" ", said).split())


def tweets() -> list[KnownText]:
    lines = Random(1).sample(lines_of("davidson"), TWEETS)
    return [KnownText("en", line.text) for line in lines]


def table(texts: Sequence[KnownText]) -> list[dict[str, object]]:
    """By letters and by how sure it must be: the share that is said, and of it what is right."""
    rows: list[dict[str, object]] = []
    for low, high in BANDS:
        here = [text for text in texts if low <= text.letters <= high]
        row: dict[str, object] = {"letters": f"{low} to {high}", "texts": len(here)}
        for certainty in CERTAINTIES:
            terms = LanguageTerms(certainty, letters_min=0)
            said = [(guessed(each.text, terms), each.language) for each in here]
            known = [guess == language for guess, language in said if guess is not None]
            row[f"{certainty:g}"] = (
                round(len(known) / max(1, len(here)), 3),
                round(sum(known) / max(1, len(known)), 4),
            )
        rows.append(row)
    return rows


def cost() -> dict[str, float]:
    """Microseconds of CPU a guess, by characters of the text."""
    whole, found = " ".join(line.text for line in lines_of("davidson")[:50]), {}
    for length in (30, 80, 200):
        texts = [whole[at : at + length] for at in range(REPEATED)]
        began = time.process_time()
        for text in texts:
            guessed(text, LanguageTerms())
        found[str(length)] = round((time.process_time() - began) / REPEATED * 1e6, 1)
    return found


def main() -> None:
    translated = translations()
    found = {
        "languages": len({text.language for text in translated}),
        "translations": table(translated),
        "tweets": table(tweets()),
        "us_by_characters": cost(),
    }
    file = ROOT / "build" / "languages.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=1))
    print(file.read_text())


if __name__ == "__main__":
    main()
