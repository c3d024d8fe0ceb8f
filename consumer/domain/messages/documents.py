"""
The bytes of a record -> text or JSON, read as far as no doubt remains what they say.

The fast parser is strict, and refuses a document for what stands beside the text: a NaN, a byte
order mark, an invalid byte in a field that nobody asks for. What it refuses is read once more by a
tolerant one, bounded in size and depth: a message must not go unjudged over a field that is not its
text.
"""

from __future__ import annotations

import codecs
import json
import re

import orjson

from consumer.domain.value import Value
from consumer.errors import DeadLetterReason, UndecodableMessage

TOLERANT_BYTES_MAX = 1_100_000
"""As large as Kafka takes by default; the tolerant parser needs 10 ms for that, at worst 300."""
INTEGERS = range(-(2**63), 2**64)
"""Other numbers are floats, in either parser: an id is the same whatever stands beside it."""
INTEGER_CHARS_MAX = 20
"""2^64 has twenty digits; what is longer is a float, for int() takes quadratic time for it."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and the encoding that each one tells."""


class Document(Value, frozen=True):
    """A JSON document."""

    root: object
    torn_at: int | None = None
    """
    The first byte that is no UTF-8, or None. Such bytes are U+DC80 to U+DCFF in the strings, and
    what holds one of those cannot be read.
    """

    def is_torn(self, text: str) -> bool:
        """Whether bytes that are no UTF-8 stand in a string of the document."""
        return self.torn_at is not None and _TORN.search(text) is not None


def text_of(value: bytes) -> str:
    """
    The text, without its byte order mark, which also tells UTF-16 and UTF-32.

    It may hold lone surrogates.

    Raises:
        UndecodableMessage: not_utf8.
    """
    value, encoding = _unmarked(value)
    try:
        return value.decode(encoding, "strict" if encoding == "utf-8" else "surrogatepass")
    except UnicodeDecodeError as error:
        raise UndecodableMessage(
            DeadLetterReason.NOT_UTF8, f"invalid {encoding.upper()} at byte {error.start}"
        ) from None


def document_of(value: bytes) -> Document:
    """
    The JSON document.

    Raises:
        UndecodableMessage: not_json, or not_utf8 where invalid bytes are to blame.
    """
    if value.startswith(codecs.BOM_UTF8):
        value = value[len(codecs.BOM_UTF8) :]
    try:
        return Document(orjson.loads(value))
    except orjson.JSONDecodeError as error:
        return _tolerantly(value, error)


def _tolerantly(value: bytes, error: orjson.JSONDecodeError) -> Document:
    where = f"at line {error.lineno}, column {error.colno}"
    if len(value) > TOLERANT_BYTES_MAX:
        raise UndecodableMessage(DeadLetterReason.NOT_JSON, f"not strictly JSON {where}")
    torn: UnicodeDecodeError | None = None
    try:
        encoded, encoding = _unmarked(value)
        text = encoded.decode(encoding, "strict" if encoding == "utf-8" else "surrogatepass")
    except UnicodeDecodeError as fault:
        torn, text = fault, value.decode("utf-8", "surrogateescape")
    try:
        # Programs in C now and then send the zero that ends their strings.
        root = _DECODER.decode(text.rstrip("\0"))
    except RecursionError:
        raise UndecodableMessage(DeadLetterReason.NOT_JSON, "nested too deeply") from None
    except ValueError:
        if torn is not None:
            raise UndecodableMessage(
                DeadLetterReason.NOT_UTF8, f"invalid {torn.encoding.upper()} at byte {torn.start}"
            ) from None
        raise UndecodableMessage(DeadLetterReason.NOT_JSON, f"not JSON {where}") from None
    return Document(root, None if torn is None else torn.start)


def _unmarked(value: bytes) -> tuple[bytes, str]:
    for mark, encoding in MARKS:
        if value.startswith(mark):
            return value[len(mark) :], encoding
    return value, "utf-8"


def _integer(digits: str) -> int | float:
    if len(digits) > INTEGER_CHARS_MAX or int(digits) not in INTEGERS:
        return float(digits)
    return int(digits)


_TORN = re.compile("[\udc80-\udcff]")
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)
