"""
A gpt-oss model of 1.5 MB, generated and not downloaded, as a GGUF file for llama.cpp.

It follows the harmony protocol and any JSON schema; what it decides means nothing. The same
source gives the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import gguf

from tests.servers.vocabulary import CONTROLS, Vocabulary, printable, vocabulary
from tests.servers.weights import Shape, weights

NAME = "tiny-gpt-oss"
FOLDER = Path(__file__).parents[2] / "build" / "tiny-model"
TEMPLATE = Path(__file__).with_name("harmony_template.jinja")
DECISION = "tiny-decision"
DECISION_TYPE = "lev"
"""Of the kinds that llama.cpp knows, one that reads labels off any model's next token."""
DECISION_TEMPLATE = """{{ state }}
{{ instructions }}
{% for option in options %}{{ option.label }}: {{ option.key }}
{% endfor %}Answer:"""
SOURCES = ("tiny_model.py", "vocabulary.py", "weights.py", "words.txt", TEMPLATE.name)


def cached_model(folder: Path = FOLDER, *, decides: bool = False) -> Path:
    """
    The model of this source, built only if the folder does not have it yet.

    One that `decides` has the same weights and counts as a decision model.
    """
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(Path(__file__).with_name(source).read_bytes())
    kind = "-decision" if decides else ""
    path = folder / f"{digest.hexdigest()[:16]}{kind}.gguf"
    return path if path.exists() else build_model(path, decides=decides)


def build_model(path: Path, *, decides: bool = False) -> Path:
    """Writes the model to `path`, whole or not at all, and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    os.close(handle)
    words = vocabulary()
    writer = gguf.GGUFWriter(part, "gpt-oss")
    _describe_shape(writer)
    _describe_vocabulary(writer, words)
    if decides:
        writer.add_string("gpt-oss.decision.type", DECISION_TYPE)
        writer.add_array("tokenizer.chat_templates", ["systemone"])
        writer.add_string("tokenizer.chat_template.systemone", DECISION_TEMPLATE)
    for name, tensor in weights(words).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)
    return path


def _describe_shape(writer: gguf.GGUFWriter) -> None:
    writer.add_name(NAME)
    writer.add_block_count(Shape.layers)
    writer.add_context_length(Shape.context)
    writer.add_embedding_length(Shape.width)
    writer.add_feed_forward_length(Shape.expert_width)
    writer.add_expert_feed_forward_length(Shape.expert_width)
    writer.add_head_count(Shape.heads)
    writer.add_head_count_kv(Shape.kv_heads)
    writer.add_key_length(Shape.head_width)
    writer.add_value_length(Shape.head_width)
    writer.add_rope_freq_base(Shape.rope_base)
    writer.add_layer_norm_rms_eps(Shape.norm_epsilon)
    writer.add_expert_count(Shape.experts)
    writer.add_expert_used_count(Shape.experts_used)
    writer.add_sliding_window(Shape.window)


def _describe_vocabulary(writer: gguf.GGUFWriter, words: Vocabulary) -> None:
    normal = len(words.tokens) - len(CONTROLS)
    writer.add_vocab_size(len(words.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-4o")
    writer.add_token_list([*map(printable, words.tokens[:normal]), *CONTROLS])
    writer.add_token_types(
        [*[gguf.TokenType.NORMAL] * normal, *[gguf.TokenType.CONTROL] * len(CONTROLS)]
    )
    writer.add_token_merges([f"{printable(a)} {printable(b)}" for a, b in words.merges])
    writer.add_bos_token_id(words.id("<|startoftext|>"))
    writer.add_eos_token_id(words.id("<|return|>"))
    writer.add_pad_token_id(words.id("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE.read_text(encoding="utf-8"))
