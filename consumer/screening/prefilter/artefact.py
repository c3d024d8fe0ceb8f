"""
Artefact: a filter in a file that holds no code.

A line that says what it is, the length of the head, the head as JSON, then the weights as pairs of
32-bit places and 32-bit floats, then the bits of familiar words; all little-endian. Its digest is
that of the whole file.
"""

from __future__ import annotations

import sys
from array import array
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.features import TABLE
from consumer.screening.prefilter.head import FilterHead
from consumer.screening.prefilter.scorer import FAMILIAR_BITS, LinearModel

MAGIC = b"safeguard prefilter 1\n"
FILE_MAX = 64 * 1024 * 1024
"""Bytes: eight times what a full table takes; a larger file is some other file."""
_LENGTH = 4
_CHECK = 16


class FilterArtefact(NamedTuple):
    """A filter as it was read or made."""

    head: FilterHead
    weights: array[float]
    familiar: bytes
    digest: str
    """BLAKE2b-128 in hex over the file."""

    @property
    def model(self) -> LinearModel:
        head = self.head
        return LinearModel(self.weights, head.bias, head.slope, head.offset, self.familiar)


def encode(head: FilterHead, weights: array[float], familiar: bytes) -> bytes:
    """The file. The same filter has the same bytes, whatever machine writes it."""
    places = array("I", (at for at, weight in enumerate(weights) if weight))
    values = array("f", (weights[at] for at in places))
    about = head.model_dump_json().encode()
    body = b"".join(
        [
            MAGIC,
            len(about).to_bytes(_LENGTH, "little"),
            about,
            len(places).to_bytes(_LENGTH, "little"),
            _little(places),
            _little(values),
            familiar,
        ]
    )
    return body + blake2b(body, digest_size=_CHECK).digest()


def decode(content: bytes, name: str) -> FilterArtefact:
    """
    Read a file's content; `name` is for the error.

    Raises:
        InvalidSettings: it is no filter, is cut short or changed, or of another release's form.
    """
    if not content.startswith(MAGIC):
        raise InvalidSettings(f"{name} is no filter, or one of another release: train it anew")
    body, check = content[:-_CHECK], content[-_CHECK:]
    if blake2b(body, digest_size=_CHECK).digest() != check:
        raise InvalidSettings(
            f"{name} is broken: its checksum differs. Copy it again, or train it anew"
        )
    about, rest = _part(body[len(MAGIC) :], name)
    try:
        head = FilterHead.model_validate_json(about)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3]
        )
        raise InvalidSettings(
            f"{name} does not say what it is for ({wrong}): train it anew"
        ) from None
    weights, rest = _weights(rest, name)
    if len(rest) != FAMILIAR_BITS // 8:
        raise InvalidSettings(f"{name} has no table of familiar words: train it anew")
    digest = blake2b(content, digest_size=16).hexdigest()
    return FilterArtefact(head, weights, rest, digest)


def read_artefact(file: Path) -> FilterArtefact:
    """
    Read a filter.

    Raises:
        InvalidSettings: the file cannot be read, or is no sound filter; the message names it.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_MAX + 1)
    except OSError as error:
        raise InvalidSettings(f"the filter {file} cannot be read: {error.strerror}") from error
    if len(content) > FILE_MAX:
        raise InvalidSettings(f"{file} has more than {FILE_MAX} bytes and is no filter")
    return decode(content, str(file))


def write_artefact(file: Path, artefact: FilterArtefact) -> None:
    """Write a filter, whole or not at all: beside its place first, then renamed."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(encode(artefact.head, artefact.weights, artefact.familiar))
    draft.replace(file)


def check_use(artefact: FilterArtefact, version_digest: str, model: str, template: str) -> None:
    """
    Refuse a filter that was not made for what is in force.

    Raises:
        InvalidSettings: it is of another version, model or template, or without evidence.
    """
    problem = mismatch(artefact.head, version_digest, model, template)
    if problem is not None:
        raise InvalidSettings(problem)
    check_evidence(artefact)


def mismatch(head: FilterHead, version_digest: str, model: str, template: str) -> str | None:
    """Why it is not for what is in force; None where it is."""
    found = (
        ("policy version", version_digest, head.version_digest),
        ("model", model, head.model),
        ("prompt template", template, head.template),
    )
    for what, wanted, made_for in found:
        if wanted != made_for:
            return (
                f"the filter for {head.version} was made for {what} {made_for!r} and {wanted!r} is "
                "in force: train one on its verdicts"
            )
    return None


def check_evidence(artefact: FilterArtefact) -> None:
    """
    Refuse a filter that has not shown the recall that it was made for.

    Raises:
        InvalidSettings: with how many positives there were.
    """
    head = artefact.head
    if not head.has_evidence:
        shown = head.shown
        raise InvalidSettings(
            f"the filter for {head.version} has no evidence for recall {head.recall:g}: "
            f"{shown.low:.3f} was shown with {shown.positives} positives, {shown.missed} of them "
            "missed. Train it on more traffic, or demand less"
        )


def _part(content: bytes, name: str) -> tuple[bytes, bytes]:
    """What a length stands before, and what follows it."""
    length = int.from_bytes(content[:_LENGTH], "little")
    end = _LENGTH + length
    if len(content) < end:
        raise InvalidSettings(f"{name} is cut short: copy it again, or train it anew")
    return content[_LENGTH:end], content[end:]


def _weights(content: bytes, name: str) -> tuple[array[float], bytes]:
    count = int.from_bytes(content[:_LENGTH], "little")
    end = _LENGTH + 8 * count
    places, values = array("I"), array("f")
    if len(content) < end:
        raise InvalidSettings(f"{name} is cut short: copy it again, or train it anew")
    middle = _LENGTH + 4 * count
    places.frombytes(content[_LENGTH:middle])
    values.frombytes(content[middle:end])
    if sys.byteorder == "big":
        places.byteswap()
        values.byteswap()
    weights = array("f", bytes(4 * TABLE))
    for place, value in zip(places, values, strict=True):
        if place >= TABLE or not abs(value) < float("inf"):
            raise InvalidSettings(f"{name} has a weight that is none: train it anew")
        weights[place] = value
    return weights, content[end:]


def _little(numbers: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
