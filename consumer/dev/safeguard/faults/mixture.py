"""Rates of faults by name or by group -> the rate of each fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from consumer.dev.safeguard.faults.faults import FaultName

SETTINGS_FAULTS = frozenset({FaultName.HTTP_401, FaultName.HTTP_403, FaultName.HTTP_404_MODEL})
"""The operator's to mend: a worker that meets one stops, as it should."""

SERVER_FAULTS = frozenset(
    {
        FaultName.CONNECTION_RESET,
        FaultName.HANG,
        FaultName.SLOW_BODY,
        FaultName.TRUNCATED_BODY,
        FaultName.EMPTY_BODY,
        FaultName.NOT_JSON_BODY,
        FaultName.ERROR_IN_200,
        FaultName.HTTP_400_UNKNOWN_PARAMETER,
        FaultName.HTTP_429,
        FaultName.HTTP_500_ENGINE_DEAD,
        FaultName.HTTP_502,
        FaultName.HTTP_503,
        FaultName.HTTP_504,
    }
)
"""Of the server, or of what stands before it."""

MODEL_FAULTS = frozenset(FaultName) - SETTINGS_FAULTS - SERVER_FAULTS
"""Of what the model said, or of one message: they say nothing about the endpoint."""

GROUPS: Mapping[str, frozenset[FaultName]] = {
    "all": MODEL_FAULTS | SERVER_FAULTS,
    "model": MODEL_FAULTS,
    "server": SERVER_FAULTS,
}
"""What may be named instead of single faults; `all` leaves out those of settings."""


def spread(rates: Mapping[str, float]) -> dict[FaultName, float]:
    """
    The rate of each fault; a group's rate is shared evenly by its members and adds to their own.

    Raises ValueError for a name that is neither.
    """
    found: dict[FaultName, float] = {}
    for name, rate in rates.items():
        members = GROUPS.get(name) or {FaultName(name)}
        for member in FaultName:
            if member in members:
                found[member] = found.get(member, 0.0) + rate / len(members)
    return found
