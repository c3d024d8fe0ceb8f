"""
Wording: the words of a text as bursts are compared by, and which of them carry weight. Pure.

A word that carries weight turns what is said into something else, however many others stay: a
negation, a number, a link, a word that says that somebody is quoted.
"""

from __future__ import annotations

import re

WORDS_MAX = 200
"""Of a text that is compared: what is said over and over in a raid is shorter."""
_TOKEN = re.compile(r"[^\W_][\w.@:/'’?=&%#~+-]*|[^\w\s!-/:-@\[-`{-~…“”‘’«»¡¿–—]")
"""A word or link, or one character that is neither letter nor punctuation, such as a picture."""
_EDGE = ".@:/'’?=&%#~+-_"
_DIGIT = re.compile(r"\d")
_LINK = re.compile(r"[./@]|:\w")
_TURNS_ROUND = """
not no nor never none nobody nothing nowhere neither cannot cant dont doesnt didnt wont wouldnt
shouldnt couldnt isnt arent wasnt werent aint hasnt havent hadnt without hardly stop unless
nicht nichts kein keine keinen keiner nie niemals niemand ohne pas jamais rien aucun sans ne ni
nunca jamas nada nadie sin non mai niente nessuno senza nao não nem ninguem sem niet geen nooit
niets zonder ikke aldri inte aldrig utan ei koskaan nigdy bez nikdy не нет никогда нельзя без ні
ніколи değil degil yok hiç asla नहीं मत لا ليس لن
"""
"""Of the languages that part their words; with and without accents, as people write."""
_QUOTES = """
said says say saying told tells called calls wrote writes quote quoted quoting reported reporting
banned joking kidding lyrics sagt sagte schrieb dit dijo disse ha
"""
_HEAVY = frozenset(_TURNS_ROUND.split()) | frozenset(_QUOTES.split())


def words_of(normalised: str) -> tuple[str, ...]:
    """The words of a normalised text in order, a repeated one once; nothing where it is long."""
    words: list[str] = []
    last = ""
    for token in _TOKEN.findall(normalised):
        word = token.rstrip(_EDGE)
        if word != last:
            words.append(word)
            last = word
    return tuple(words) if len(words) <= WORDS_MAX else ()


def has_number(word: str) -> bool:
    return _DIGIT.search(word) is not None


def is_weighty(word: str) -> bool:
    """Whether the word may turn what is said round, number or not."""
    return word in _HEAVY or word.endswith(("n't", "n’t")) or _LINK.search(word) is not None
