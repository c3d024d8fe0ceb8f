"""
Caution: records that may end their worker are begun alone, and noted before they are begun.

The rule is in `assignment/suspicion.py`; here are the commits that carry it. Where the model is not
known to be well nobody is suspected: its outages end workers too.
"""

from __future__ import annotations

from collections.abc import Callable

from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.assignment.committer import Committer


class Caution:
    """Says whether a record may begin, and sees to the note that it waits for."""

    def __init__(self, committer: Committer, is_model_well: Callable[[], bool]) -> None:
        self._committer = committer
        self._is_model_well = is_model_well

    def __repr__(self) -> str:
        return f"<Caution, model {'well' if self._is_model_well() else 'not well'}>"

    def has_noted_start(self, assignment: Assignment) -> bool:
        """Where earlier owners died, whether the next one would know that the model was at work."""
        commits = assignment.commits
        is_noted = commits.suspicion.is_start_noted(commits.offsets.committable)
        if is_noted or not self._is_model_well():
            return True
        commits.put_at_risk(True)
        self._committer.commit([assignment])
        return False

    def has_noted(self, flight: Flight) -> bool:
        """Whether the next owner would know that this record was begun alone; else see to it."""
        if self.may_begin_alone(flight):
            return True
        flight.assignment.commits.mark(flight.record.position.offset)
        self._committer.commit([flight.assignment])
        return False

    def may_begin_alone(self, flight: Flight) -> bool:
        """Whether the next owner would suspect it; where the model is not well, nobody should."""
        suspicion = flight.assignment.commits.suspicion
        return suspicion.is_marked(flight.record.position.offset) or not self._is_model_well()

    def ask_again(self, assignment: Assignment) -> None:
        """Its note may have to be sent once more."""
        self._committer.commit([assignment])

    def weigh(self, assignment: Assignment) -> None:
        """Have the next commit say whether the end of this worker would count against records."""
        if not assignment.is_recovered or not assignment.commits.is_suspicious:
            return
        commits = assignment.commits
        commits.put_at_risk(
            self._is_model_well()
            and (
                commits.suspicion.is_first
                or assignment.is_noting
                or commits.is_noting_start
                or any(each.is_being_judged for each in assignment.unfinished.admitted.values())
            )
        )
