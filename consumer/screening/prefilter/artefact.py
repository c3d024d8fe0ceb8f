"""
Artefact: a filter in a file that holds no code.

A sealed file: behind its head stand the weights as pairs of 32-bit places and 32-bit floats, then
the bits of familiar words; all little-endian.
"""

from __future__ import annotations

import sys
from array import array
from pathlib import Path
from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.features import TABLE
from consumer.screening.prefilter.head import FilterHead
from consumer.screening.prefilter.model import FAMILIAR_BITS, WEIGHT_MAX, LinearModel
from consumer.screening.sealed import (
    LENGTH,
    digest_of,
    read_sealed,
    seal,
    unseal,
    write_sealed,
)

MAGIC = b"safeguard prefilter 1\n"


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
    count = len(places).to_bytes(LENGTH, "little")
    return seal(MAGIC, head, b"".join([count, _little(places), _little(values), familiar]))


def decode(content: bytes, name: str) -> FilterArtefact:
    """
    Read a file's content; `name` is for the error.

    Raises:
        InvalidSettings: it is no filter, is cut short or changed, or of another release's form.
    """
    head, rest = unseal(MAGIC, content, name, FilterHead, "train it anew")
    weights, rest = _weights(rest, name)
    if len(rest) != FAMILIAR_BITS // 8:
        raise InvalidSettings(f"{name} has no table of familiar words: train it anew")
    return FilterArtefact(head, weights, rest, digest_of(content))


def read_artefact(file: Path) -> FilterArtefact:
    """
    Read a filter.

    Raises:
        InvalidSettings: the file cannot be read, or is no sound filter; the message names it.
    """
    return decode(read_sealed(file), str(file))


def write_artefact(file: Path, artefact: FilterArtefact) -> None:
    """Write a filter, whole or not at all."""
    write_sealed(file, encode(artefact.head, artefact.weights, artefact.familiar))


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


def _weights(content: bytes, name: str) -> tuple[array[float], bytes]:
    count = int.from_bytes(content[:LENGTH], "little")
    end = LENGTH + 8 * count
    places, values = array("I"), array("f")
    if len(content) < end:
        raise InvalidSettings(f"{name} is cut short: copy it again, or train it anew")
    middle = LENGTH + 4 * count
    places.frombytes(content[LENGTH:middle])
    values.frombytes(content[middle:end])
    if sys.byteorder == "big":
        places.byteswap()
        values.byteswap()
    weights = array("f", bytes(4 * TABLE))
    for place, value in zip(places, values, strict=True):
        if place >= TABLE or not abs(value) < WEIGHT_MAX:
            raise InvalidSettings(f"{name} has a weight that is none: train it anew")
        weights[place] = value
    return weights, content[end:]


def _little(numbers: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
