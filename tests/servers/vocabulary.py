"""
The words of the tiny model: a byte-level BPE vocabulary, small enough to be fast.

Text in any language can be read, byte by byte where nothing larger fits. Some tokens are only
ever written: no merge leads to them, so no prompt can contain them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

WORDS = tuple(Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split())
"""What sentences are made of; each is one token together with the space before it."""

BARE_WORDS = (
    "system",
    "developer",
    "user",
    "assistant",
    "commentary",
    "json",
    "true",
    "false",
    "null",
    "low",
    "medium",
    "high",
    "allow",
    "flag",
    "block",
    "safe",
    "unsafe",
    "none",
    "violation",
    "spam",
    "hate",
    "scam",
    "threat",
)
"""Words that are one token without a space before them: roles, and what answers are chosen from."""

CHANNELS = (b"analysis", b"final")
"""Written only: a prompt that says `final` must not look like an answer that has been opened."""

PHRASES = (
    b'{"label":"',
    b'","rules":["',
    b'","rules":[],"confidence":"',
    b'"],"confidence":"',
    b'","rationale":"',
    b'"}',
)
"""Written only: the fixed parts of a judgement in one piece each, which keeps answers short."""

CONTROLS = (
    "<|startoftext|>",
    "<|endoftext|>",
    "<|return|>",
    "<|constrain|>",
    "<|channel|>",
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|call|>",
)
"""The control tokens of the harmony format."""

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every token by its number, and how text is put together from them."""

    tokens: tuple[bytes, ...]
    """Bytes first, then what merges make, then the written-only ones, then the control tokens."""
    merges: tuple[Pair, ...]
    """Neighbours that become one token, the most urgent first."""

    def id(self, token: bytes | str) -> int:
        """The number of a token, given as its bytes or as the name of a control token."""
        return self.tokens.index(token.encode() if isinstance(token, str) else token)

    @property
    def controls(self) -> range:
        """The numbers of the control tokens: the last ones."""
        return range(len(self.tokens) - len(CONTROLS), len(self.tokens))


def vocabulary() -> Vocabulary:
    """The one vocabulary there is, the same every time."""
    tokens = {bytes([value]): value for value in range(256)}
    merges: dict[Pair, int] = {}
    for word in (*(f" {word}" for word in WORDS), *BARE_WORDS):
        _learn(word.encode(), tokens, merges)
    for token in (*CHANNELS, *PHRASES, *(name.encode() for name in CONTROLS)):
        tokens[token] = len(tokens)
    return Vocabulary(tuple(tokens), tuple(merges))


def _learn(word: bytes, tokens: dict[bytes, int], merges: dict[Pair, int]) -> None:
    """Adds the merges that make one token of a word, after those that it already has."""
    parts = [word[i : i + 1] for i in range(len(word))]
    while len(parts) > 1:
        pairs = list(pairwise(parts))
        known = [pair for pair in pairs if pair in merges]
        pair = min(known, key=merges.__getitem__) if known else pairs[0]
        merges.setdefault(pair, len(merges))
        tokens.setdefault(pair[0] + pair[1], len(tokens))
        at = pairs.index(pair)
        parts[at : at + 2] = [pair[0] + pair[1]]


def printable(token: bytes) -> str:
    """A token as GPT-2 style vocabularies spell it: one visible character for each byte."""
    return "".join(_VISIBLE[value] for value in token)


def _visible() -> tuple[str, ...]:
    plain = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), 256)}
    moved = iter(range(256, 512))
    return tuple(chr(value) if value in plain else chr(next(moved)) for value in range(256))


_VISIBLE = _visible()
