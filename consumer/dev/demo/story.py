"""Story: what happens on stage while the messages flow, and what is said about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from consumer.dev.demo.screen.row import OutcomeRow
from consumer.dev.demo.stage.crew import Crew, CrewMember
from consumer.dev.demo.stage.edit import SENTENCE, PolicyEdit
from consumer.dev.demo.stage.sender import Sender
from consumer.dev.demo.stage.stage import SESSION_S, input_partitions
from consumer.domain.counted import counted
from consumer.errors import ConsumerError

SECONDS_MIN = 15.0
"""A shorter demo has no acts: only messages and their count."""
PATIENCE_S = 60.0
"""Beyond this an act has failed, on however slow a machine."""
KILL_AT, EDIT_AT = 0.12, 0.7
"""Of the whole time."""
READ_S = 4.0
"""How long a person takes to read what is said."""
BEFORE, AFTER = "before", "after"


class Story:
    """Two workers; one is killed and comes back; a policy is edited."""

    def __init__(
        self,
        crew: Crew,
        sender: Sender,
        edit: PolicyEdit,
        tell: Callable[[str], None],
        pace: Callable[[float], float],
    ) -> None:
        """`tell` gives the captions; `pace` makes seconds of the story those of the clock."""
        self._crew, self._sender, self._edit = crew, sender, edit
        self._tell, self._pace = tell, pace
        self._marked: dict[str, OutcomeRow] = {}
        self.summary: list[str] = []
        """What is told once more at the end."""
        self.at_its_height: Callable[[], None] = lambda: None
        """Called when there is most to see."""

    def __repr__(self) -> str:
        return f"<Story {len(self.summary)} acts told>"

    def saw(self, row: OutcomeRow) -> None:
        """A verdict came; those of the story's own sentences are waited for."""
        if row.mark:
            self._marked[row.mark] = row

    async def open(self) -> None:
        """
        Wait until the workers share all partitions.

        Raises:
            ConsumerError: they do not come to that.
        """
        first, *_, last = self._crew.members
        self._tell(f"Workers {first.name} and {last.name} start and join one group.")
        await _until(self._is_shared, "the workers have not joined their group")
        self._tell(
            "Two workers, one group: each judges the messages of its partitions against the "
            "policies of their topic."
        )

    async def play(self, seconds: float) -> None:
        """
        The acts, over so many seconds or a little more.

        Raises:
            ConsumerError: what should have happened did not.
        """
        started_s = time.monotonic()

        async def until(share: float) -> None:
            await asyncio.sleep(max(0.0, started_s + share * seconds - time.monotonic()))

        await until(KILL_AT)
        back = await self._lose_a_worker()
        await until(EDIT_AT)
        if self._edit.applies:
            await self._edit_a_policy()
        self.at_its_height()
        await asyncio.sleep(self._pace(READ_S))
        await _until(self._is_shared, f"worker {back.name} did not come back")
        self._tell(
            f"Worker {back.name} has its share back. Nothing is lost, and nothing is judged twice: "
            "it is counted at the end."
        )

    def break_off(self) -> None:
        """No more acts; what is under way is still shown."""
        self._tell(
            "Stopped: nothing more is sent, and what is under way comes out. Another Ctrl-C ends "
            "at once, without a count."
        )

    async def _lose_a_worker(self) -> CrewMember:
        """Who was killed, and started again."""
        victim, other = sorted(
            self._crew.members, key=lambda each: len(each.vital.partitions), reverse=True
        )
        before = other.vital.recovered
        victim.kill()
        killed_s = time.monotonic()
        self._tell(
            f"Worker {victim.name} is KILLED. For {SESSION_S:g} s it might only be slow, and "
            "still publish: its partitions wait, their messages pile up."
        )
        await _until(lambda: self._has_all(other), f"worker {other.name} did not take over")
        seconds = time.monotonic() - killed_s
        # What was found is counted within a look or two.
        await asyncio.sleep(self._pace(1.0))
        found = other.vital.recovered - before
        self._tell(
            f"After {seconds:.1f} s worker {other.name} has them, and goes on where "
            f"{victim.name} stopped. {_of_found(found, victim.name)}"
        )
        self.summary.append(
            f"worker {victim.name} was killed; {other.name} had its partitions {seconds:.1f} s "
            f"later and found {found} of its verdicts"
        )
        await asyncio.sleep(self._pace(READ_S))
        victim.start()
        self._tell(
            f"Worker {victim.name} is started again, and joins the group: partitions move again, "
            "in good order this time."
        )
        await asyncio.sleep(self._pace(READ_S))
        return victim

    async def _edit_a_policy(self) -> None:
        before = await self._judged(BEFORE)
        self._tell(
            f"“{SENTENCE}” is {before.outcome} under {before.version}. Now a moderator adds a "
            "rule, in a text file: trade of game accounts."
        )
        await asyncio.sleep(self._pace(READ_S))
        loaded_s = {each.name: each.vital.policies_loaded_s for each in self._crew.members}
        self._edit.publish()
        await _until(
            lambda: all(
                each.vital.policies_loaded_s > loaded_s[each.name] for each in self._crew.members
            ),
            "the edited policies were not taken up",
        )
        after = await self._judged(AFTER)
        self._tell(
            f"The same sentence is {after.outcome} under {after.version}: no model was trained, "
            "no worker started again."
        )
        self.summary.append(
            f"“{SENTENCE}” was {before.outcome} under {before.version} and is {after.outcome} "
            f"under {after.version}"
        )

    async def _judged(self, mark: str) -> OutcomeRow:
        self._sender.say(SENTENCE, mark)
        await _until(lambda: mark in self._marked, "a sentence got no verdict")
        return self._marked[mark]

    def _is_shared(self) -> bool:
        members = self._crew.members
        is_whole = len(self._crew.owners) == len(input_partitions())
        return is_whole and self._crew.is_at_rest and all(each.vital.partitions for each in members)

    def _has_all(self, member: CrewMember) -> bool:
        return len(member.vital.partitions) == len(input_partitions()) and self._crew.is_at_rest


def _of_found(found: int, name: str) -> str:
    if not found:
        return f"All that {name} had published was committed, so nothing had to be looked for."
    return (
        f"It found {counted(found, 'verdict')} that {name} had published and not yet committed: "
        "those messages are not judged again."
    )


async def _until(condition: Callable[[], bool], what_else: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until_s:
            raise ConsumerError(f"{what_else} within {PATIENCE_S:.0f} s")
        await asyncio.sleep(0.05)
