"""
The weights of the tiny model, laid out by hand and filled up with seeded noise; nothing is trained.

It is a real gpt-oss graph: two layers (sliding, then full attention), attention sinks, four
experts of which two are used. The rows that read and write tokens make it walk the harmony
protocol (analysis, final, return) and end every sentence and string in bounded time, at any
temperature. Which words and labels it picks is noise that depends on the prompt: its judgements
mean nothing.

A token is read as the one-hot of its class, `CLASS_SIZE` long, beside a noise vector of length 1.
Two attention heads of the last layer tell whether the channels analysis and final are open yet.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.servers.vocabulary import PHRASES, WORDS, Vocabulary

Array = npt.NDArray[np.float32]


class Shape:
    """The sizes of the model."""

    width = 64
    layers = 2
    heads = 4
    kv_heads = 2
    head_width = 32
    experts = 4
    experts_used = 2
    expert_width = 64
    window = 128
    """Tokens that the first layer's attention looks back."""
    context = 131_072
    rope_base = 150_000.0
    norm_epsilon = 1e-5


class Kind(IntEnum):
    """The classes of tokens; words follow, in `GROUPS` further classes."""

    OTHER = 0
    START = 1
    ROLE = 2
    CHANNEL = 3
    ANALYSIS = 4
    FINAL = 5
    MESSAGE = 6
    END = 7
    DIGIT = 8
    QUOTE = 9
    STRUCTURE = 10
    STOP = 11
    CONSTRAIN = 12
    RETURN = 13
    JSON = 14
    SPACE = 15


GROUPS = 24
"""A sentence takes each word from a later group than the last: so this is its length at most."""
FIRST_GROUPS = 8
"""Sentences begin with a word of these groups."""
KINDS = len(Kind) + GROUPS
FINAL_OPEN, ANALYSIS_OPEN, NOISE = KINDS, KINDS + 1, KINDS + 2
"""Places in the residual stream, after one for each class."""

CLASS_SIZE = 4.0
MODE_SIZE = 2.0
LATER = 30.0
"""Logits that keep a token back until the final channel is open."""
SEED = 7


class Logits(NamedTuple):
    """What the model is to prefer as the next token."""

    after: Array
    """By the class of the last token."""
    when_final: Array
    """Added once the final channel is open."""
    when_analysis: Array
    """Added once the analysis channel is open."""


def weights(vocabulary: Vocabulary) -> dict[str, Array]:
    """Every tensor of the model, by its name in a GGUF file; the same every time."""
    random = np.random.default_rng(SEED)
    kinds = _kinds(vocabulary, random)
    tensors = {
        "token_embd.weight": _embedding(kinds, random),
        "output_norm.weight": np.ones(Shape.width),
        "output.weight": _unembedding(vocabulary, kinds, random),
    }
    for layer in range(Shape.layers):
        parts = _attention(random, last=layer == Shape.layers - 1) | _experts(random)
        tensors |= {f"blk.{layer}.{name}": tensor for name, tensor in parts.items()}
    return {name: np.ascontiguousarray(t, dtype=np.float32) for name, t in tensors.items()}


def _kinds(vocabulary: Vocabulary, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """The class of every token."""
    kinds = np.full(len(vocabulary.tokens), int(Kind.OTHER))
    named = {
        Kind.START: ["<|start|>"],
        Kind.ROLE: ["assistant"],
        Kind.CHANNEL: ["<|channel|>"],
        Kind.ANALYSIS: ["analysis"],
        Kind.FINAL: ["final"],
        Kind.MESSAGE: ["<|message|>"],
        Kind.END: ["<|end|>"],
        Kind.DIGIT: list("0123456789"),
        Kind.QUOTE: ['"'],
        Kind.STRUCTURE: [*"{}[]:,", *(phrase.decode() for phrase in PHRASES)],
        Kind.STOP: ["."],
        Kind.CONSTRAIN: ["<|constrain|>"],
        Kind.RETURN: ["<|return|>"],
        Kind.JSON: ["json"],
        Kind.SPACE: [" "],
    }
    for kind, tokens in named.items():
        kinds[[vocabulary.id(token) for token in tokens]] = kind
    for place, word in enumerate(random.permutation(len(WORDS))):
        kinds[vocabulary.id(f" {WORDS[word]}")] = len(Kind) + place % GROUPS
    return kinds


def _embedding(kinds: npt.NDArray[np.int64], random: np.random.Generator) -> Array:
    table = np.zeros((len(kinds), Shape.width), np.float32)
    table[np.arange(len(kinds)), kinds] = CLASS_SIZE
    noise = random.standard_normal((len(kinds), Shape.width - NOISE))
    table[:, NOISE:] = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    # After these the prompt decides, through attention, and not the token itself.
    table[np.isin(kinds, (Kind.QUOTE, Kind.STRUCTURE)), NOISE:] *= 0.25
    return table


def _unembedding(
    vocabulary: Vocabulary, kinds: npt.NDArray[np.int64], random: np.random.Generator
) -> Array:
    logits = _logits(vocabulary, kinds)
    rms = np.sqrt((CLASS_SIZE**2 + 1.0 + 1.5 * MODE_SIZE**2) / Shape.width)
    table = np.zeros((len(kinds), Shape.width), np.float32)
    table[:, :KINDS] = logits.after.T * rms / CLASS_SIZE
    table[:, FINAL_OPEN] = logits.when_final * rms / MODE_SIZE
    table[:, ANALYSIS_OPEN] = logits.when_analysis * rms / MODE_SIZE

    # How much noise decides: most of all between the spellings of labels, least of all between
    # the tokens that hold an answer together.
    freedom = np.where(kinds >= len(Kind), 0.65, 1.8).astype(np.float32)
    freedom[[vocabulary.id(c) for c in "0123456789."]] = 0.5
    steady = [
        *vocabulary.controls,
        *_blanks(vocabulary),
        *_ids(vocabulary, "{[,:"),
        *_phrases(vocabulary),
    ]
    freedom[steady] = 0.12
    freedom[_ids(vocabulary, '"}]')] = 0.45
    noise = random.standard_normal((len(kinds), Shape.width - NOISE))
    table[:, NOISE:] = noise * freedom[:, None] * rms
    return table


def _logits(vocabulary: Vocabulary, kinds: npt.NDArray[np.int64]) -> Logits:
    size = len(kinds)
    logits = Logits(
        np.full((KINDS, size), -27.0, np.float32),
        np.zeros(size, np.float32),
        np.zeros(size, np.float32),
    )
    _write_content(logits, vocabulary, kinds)
    _write_sentences(logits, vocabulary, kinds)
    _write_protocol(logits, vocabulary)
    return logits


def _write_content(logits: Logits, vocabulary: Vocabulary, kinds: npt.NDArray[np.int64]) -> None:
    """Inside a channel: words begin a sentence, and JSON is punctuated where a grammar asks."""
    after = logits.after
    after[:, list(vocabulary.controls)] = -50.0
    after[:, _blanks(vocabulary)] = -45.0
    groups = kinds - len(Kind)
    content = [Kind.OTHER, Kind.MESSAGE, Kind.DIGIT, Kind.QUOTE, Kind.STRUCTURE, Kind.STOP]
    digits = _ids(vocabulary, "0123456789")
    for kind in (*content, *range(len(Kind), KINDS)):
        after[kind, _ids(vocabulary, "{[")] = -6.0
        after[kind, _ids(vocabulary, "}]")] = -4.0
        after[kind, _ids(vocabulary, ",:")] = -5.0
        after[kind, digits] = -9.0
        after[kind, vocabulary.id('"')] = -8.0 - LATER
        after[kind, _phrases(vocabulary)] = -5.0 - LATER
        after[kind, vocabulary.id(".")] = -14.0
        after[kind, groups >= 0] = -12.0
        after[kind, (groups >= 0) & (groups < FIRST_GROUPS)] = 0.0
    after[Kind.SPACE] = after[Kind.OTHER]
    after[Kind.DIGIT, digits] = -7.5
    after[Kind.DIGIT, vocabulary.id(".")] = -4.6
    after[Kind.STRUCTURE, vocabulary.id('"')] = -4.0 - LATER
    after[Kind.STRUCTURE, _ids(vocabulary, "}]")] = -4.0
    after[[Kind.QUOTE, Kind.STRUCTURE], vocabulary.id("<|return|>")] = -10.0 - LATER
    logits.when_final[[vocabulary.id('"'), *_phrases(vocabulary)]] = LATER


def _write_sentences(logits: Logits, vocabulary: Vocabulary, kinds: npt.NDArray[np.int64]) -> None:
    """After a word: one of the next groups, or the end, which grows likelier as they run out."""
    after = logits.after
    stop, quote = vocabulary.id("."), vocabulary.id('"')
    groups = kinds - len(Kind)
    group_size = len(WORDS) / GROUPS
    for group in range(GROUPS):
        kind = len(Kind) + group
        after[kind, groups >= 0] = -14.0
        after[kind, groups > group] = -3.0
        after[kind, (groups > group) & (groups <= group + 4)] = 0.0
        # The logit that would be as likely as all the words of the next groups together.
        even = np.log(group_size * np.clip(GROUPS - 1 - group, 1, 4))
        done = group / (GROUPS - 1)
        after[kind, stop] = even - 4 + 5 * done
        after[kind, quote] = even - 4 + 6 * done - LATER
        after[kind, _phrases(vocabulary)] = even - 2.5 + 6 * done - LATER

    # After a sentence the analysis ends or goes on, a string ends, an unquoted answer returns.
    even = np.log(group_size * FIRST_GROUPS)
    after[Kind.STOP, vocabulary.id("<|end|>")] = even + 0.2
    after[Kind.STOP, vocabulary.id("<|return|>")] = even + 3 - LATER
    after[Kind.STOP, [quote, *_phrases(vocabulary)]] = even + 2 - LATER
    logits.when_final[vocabulary.id("<|end|>")] = -LATER
    logits.when_final[vocabulary.id("<|return|>")] = LATER


def _write_protocol(logits: Logits, vocabulary: Vocabulary) -> None:
    """Between the channels there is one way to go."""
    steps = {
        Kind.END: "<|start|>",
        Kind.START: "assistant",
        Kind.ROLE: "<|channel|>",
        Kind.CHANNEL: "analysis",
        Kind.ANALYSIS: "<|message|>",
        Kind.FINAL: " ",
        Kind.SPACE: "<|constrain|>",
        Kind.CONSTRAIN: "json",
        Kind.JSON: "<|message|>",
        Kind.RETURN: "<|endoftext|>",
    }
    for kind, token in steps.items():
        logits.after[kind] = np.minimum(logits.after[kind], -30.0)
        logits.after[kind, vocabulary.id(token)] = 12.0
    logits.after[Kind.CHANNEL, vocabulary.id("analysis")] = 6.0
    logits.after[Kind.CHANNEL, vocabulary.id("final")] = 0.0
    # The header of the final channel may also have no content type: a plain answer.
    logits.after[Kind.FINAL, vocabulary.id("<|message|>")] = 8.0
    logits.when_analysis[vocabulary.id("final")] = 14.0
    logits.when_analysis[vocabulary.id("analysis")] = -10.0


def _attention(random: np.random.Generator, *, last: bool) -> dict[str, Array]:
    """Heads that carry noise from the prompt; in the last layer two of them watch the channels."""
    query_width = Shape.heads * Shape.head_width
    kv_width = Shape.kv_heads * Shape.head_width
    noise_width = Shape.width - NOISE

    def noise(rows: int, scale: float) -> Array:
        return (random.standard_normal((rows, noise_width)) * scale).astype(np.float32)

    query = np.zeros((query_width, Shape.width), np.float32)
    key, value = (np.zeros((kv_width, Shape.width), np.float32) for _ in range(2))
    output = np.zeros((Shape.width, query_width), np.float32)
    query_bias = np.zeros(query_width, np.float32)
    query[:, NOISE:] = noise(query_width, 2.2)
    key[:, NOISE:] = noise(kv_width, 2.2)
    value[:, NOISE:] = noise(kv_width, 0.15)
    output[NOISE:] = noise(query_width, 0.05).T
    if last:
        # The slowest pair of rotary position embedding: the same near and far.
        anywhere = Shape.head_width // 2 - 1
        for kv, (kind, place) in enumerate(
            ((Kind.FINAL, FINAL_OPEN), (Kind.ANALYSIS, ANALYSIS_OPEN))
        ):
            head = kv * Shape.heads // Shape.kv_heads
            at_head = slice(head * Shape.head_width, (head + 1) * Shape.head_width)
            at_kv = slice(kv * Shape.head_width, (kv + 1) * Shape.head_width)
            query[at_head] = 0.0
            query_bias[at_head.start + anywhere] = 16.0
            key[at_kv] = 0.0
            key[at_kv.start + anywhere, kind] = 1.2
            value[at_kv.start] = 0.0
            value[at_kv.start, kind] = 0.13
            output[:, at_head] = 0.0
            output[place, at_head.start] = MODE_SIZE
    return {
        "attn_norm.weight": np.ones(Shape.width, np.float32),
        "attn_q.weight": query,
        "attn_q.bias": query_bias,
        "attn_k.weight": key,
        "attn_k.bias": np.zeros(kv_width, np.float32),
        "attn_v.weight": value,
        "attn_v.bias": np.zeros(kv_width, np.float32),
        "attn_output.weight": output,
        "attn_output.bias": np.zeros(Shape.width, np.float32),
        "attn_sinks.weight": np.zeros(Shape.heads, np.float32),
        "post_attention_norm.weight": np.ones(Shape.width, np.float32),
    }


def _experts(random: np.random.Generator) -> dict[str, Array]:
    """A router and experts that write a little noise."""
    experts, inner, width = Shape.experts, Shape.expert_width, Shape.width

    def noise(*shape: int, scale: float) -> Array:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    down = np.zeros((experts, width, inner), np.float32)
    down[:, NOISE:] = noise(experts, width - NOISE, inner, scale=0.012)
    return {
        "ffn_gate_inp.weight": noise(experts, width, scale=0.3),
        "ffn_gate_inp.bias": np.zeros(experts, np.float32),
        "ffn_gate_exps.weight": noise(experts, inner, width, scale=0.15),
        "ffn_gate_exps.bias": np.zeros((experts, inner), np.float32),
        "ffn_up_exps.weight": noise(experts, inner, width, scale=0.15),
        "ffn_up_exps.bias": np.zeros((experts, inner), np.float32),
        "ffn_down_exps.weight": down,
        "ffn_down_exps.bias": np.zeros((experts, width), np.float32),
    }


def _ids(vocabulary: Vocabulary, characters: str) -> list[int]:
    return [vocabulary.id(character) for character in characters]


def _phrases(vocabulary: Vocabulary) -> list[int]:
    return [vocabulary.id(phrase) for phrase in PHRASES]


def _blanks(vocabulary: Vocabulary) -> list[int]:
    return _ids(vocabulary, " \t\r\n")
