"""
Wording: the words of a text as bursts are compared by, and which of them carry weight. Pure.

A word that carries weight turns what is said into something else, however many others stay: a
negation, a number, a link, a word that says that somebody is quoted or warned, a sign that crosses
out. Where words are not parted by blanks a "word" is a sentence, and carries weight as such.
"""

from __future__ import annotations

import re

from consumer.screening.texts.letters import LETTERS, UNPARTED
from consumer.screening.texts.normalise import normalised

WORDS_MAX = 200
"""Of a text that is compared: what is said over and over in a raid is shorter."""
CHARS_MAX = 2_000
"""The same in characters: a word may be as long as a record, and bursts are held in memory."""
_WITHIN = ".@:/'’?=&%#~+-"
_ELSE = r"\s!-/:-@\[-`{-~…“”‘’«»¡¿–—"
_TOKEN = re.compile(rf"[^\W_][{LETTERS}{_WITHIN}]*|[^{LETTERS}{_ELSE}]")
"""A word or link, or one character that is neither letter nor punctuation, such as a picture."""
_ASCII_TOKEN = re.compile(rf"[^\W_][\w{_WITHIN}]*")
"""The same where a text is ASCII, in half of the time."""
_EDGE = ".@:/'’?=&%#~+-_"
_DIGIT = re.compile(r"\d")
_LINK = re.compile(r"[./@]|:\w")
_PART = re.compile(rf"[^\W_][{LETTERS}]*")
"""Of words that a hyphen or an apostrophe joins."""
_SENTENCE = re.compile(f"[{UNPARTED}]")
"""In scripts whose words stand together."""
_TURNS_ROUND = """
not no nor never none nobody nothing nowhere neither cannot cant dont doesnt didnt wont wouldnt
shouldnt couldnt isnt arent wasnt werent aint hasnt havent hadnt without hardly stop unless n t
nope nah barely anti against
nicht nichts kein keine keinen keiner nie niemals niemand ohne pas jamais rien aucun sans ne ni
nunca jamas nada nadie sin non mai niente nessuno senza nao não nem ninguem sem niet geen nooit
niets zonder ikke aldri inte aldrig ingen uden uten utan ei en et emme ala älä koskaan nigdy bez
nikdy není nincs soha senki nélkül nu fără nimic nije nikada mai cap sense
не нет никогда нельзя без ні ніколи нема никога δεν μη μην όχι ποτέ χωρίς
değil degil yok hiç asla tidak tak bukan jangan tanpa nggak gak không chẳng đừng chưa hindi huwag
wala si hapana नहीं मत ना না নয় নেই இல்லை لا ليس لن لم ما بدون غير نه نیست هرگز نہیں לא לא אין בלי אל
안 못 마 말고 아니 없이 아닌
🚫 ❌ ⛔ ❎ 👎 🙅 🛑
"""
"""Of the languages that part their words, and signs; with and without accents, as people write."""
_QUOTES = """
said says say saying told tells called calls wrote writes quote quoted quoting report reports
reported reporting ban banned joking kidding lyrics warning beware ignore avoid fake false scam
refuse sagt sagte schrieb dit dijo disse ha
"""
_WRITTEN = frozenset(_TURNS_ROUND.split()) | frozenset(_QUOTES.split())
_HEAVY = _WRITTEN | frozenset(map(normalised, _WRITTEN))
"""As they are compared: normalised, Cyrillic letters may look like Latin ones, and are those."""


def words_of(normal: str) -> tuple[str, ...]:
    """The words of a normalised text in order, a repeated one once; nothing where it is long."""
    if len(normal) > CHARS_MAX:
        return ()
    words: list[str] = []
    last = ""
    for token in (_ASCII_TOKEN if normal.isascii() else _TOKEN).findall(normal):
        word = token.rstrip(_EDGE)
        if word != last:
            words.append(word)
            last = word
    return tuple(words) if len(words) <= WORDS_MAX else ()


def has_number(word: str) -> bool:
    return _DIGIT.search(word) is not None


def is_weighty(word: str) -> bool:
    """Whether the word may turn what is said round, number or not."""
    if word in _HEAVY or "n't" in word or "n’t" in word or _LINK.search(word) is not None:
        return True
    if not word.isascii() and _SENTENCE.search(word) is not None:
        return True
    return not word.isalpha() and not _HEAVY.isdisjoint(_PART.findall(word))
