"""Near-copies are blocked by one decision; an appeal against one of them frees them all, once."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from consumer.review.cases.facts import case_id
from consumer.review.records.decision import DecisionRecord
from tests.browser.served import ServedConsole
from tests.journeys.reviewing import PATIENCE_S, ReviewScene
from tests.records import write
from tests.stage import Broker
from tests.waiting import until

COPIES = tuple(f"a doubtful thing that many people say at once{end}" for end in (".", "!", "?!"))
BOTH = 2 * len(COPIES)


class Reviewer:
    """Somebody at the console, without scripts; a console that was killed is come back to."""

    def __init__(self, console: ServedConsole, name: str) -> None:
        self._console = console
        self._client = httpx2.Client(base_url=console.origin, follow_redirects=True, timeout=30)
        self._token = ""
        link = console.link(name, ("reviewer",))
        self.read(link.removeprefix(console.origin))
        self.send("/sign-in/link", {"link": link.rpartition("=")[2]})

    def read(self, path: str) -> str:
        return self._seen(self._client.get(path).text)

    def send(self, path: str, form: dict[str, str]) -> str:
        fields, headers = {"token": self._token, **form}, {"Origin": self._console.origin}
        return self._seen(self._client.post(path, data=fields, headers=headers).text)

    def _seen(self, page: str) -> str:
        token = re.search(r'name="token" value="([0-9a-f]+)"', page)
        self._token = token[1] if token else self._token
        return page

    def leave(self) -> None:
        self._client.close()

    def decide(self, case: str) -> None:
        """Allow it; what becomes of that where the console is killed meanwhile nobody says."""
        try:
            self.send(f"/cases/{case}/decide", {"outcome": "allow", "reason": "a quote"})
        except httpx2.TransportError:
            pass


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_an_overturn_frees_all_that_were_blocked_along_with_it(
    real_broker: Broker, tmp_path: Path
) -> None:
    """The console is killed while it decides, and once more before anything is published."""
    scene = ReviewScene(real_broker, tmp_path, f"sqlite:///{tmp_path / 'review.sqlite'}")
    for number, text in enumerate(COPIES):
        scene.say(number, text)
    await scene.work(len(COPIES))
    more = [*scene.flags()[1::2], "review.undo_s=3"]
    with ServedConsole(scene.store, scene.policies, tmp_path, more) as console, scene.feed():
        await scene.until_open(len(COPIES))
        await asyncio.to_thread(_blocked_together, scene)
        await until(lambda: scene.known_to("human") == len(COPIES), "blocks", PATIENCE_S)
        case = case_id(scene.topic, "m-1")
        appeal = json.dumps({"message_id": "m-1", "by": "u-7", "note": "a quote"}).encode()
        write(scene.broker.bootstrap_servers, scene.topic + ".appeals", [appeal], partition=1)
        await scene.until_open(1)

        bob = await asyncio.to_thread(Reviewer, console, "bob")
        await asyncio.to_thread(bob.send, f"/cases/{case}/claim", {})
        deciding = asyncio.create_task(asyncio.to_thread(bob.decide, case))
        await asyncio.sleep(0.02)  # somewhere in the middle of it, wherever that is
        console.kill()
        await deciding
        console.start()
        page = await asyncio.to_thread(bob.read, f"/cases/{case}")
        if "Your decision" in page:
            assert "2 others were decided along with the last one" in page
            await asyncio.to_thread(bob.decide, case)
        console.kill()
        bob.leave()
        await until(lambda: len(scene.on(".decisions")) == BOTH, "decisions", PATIENCE_S)
        await until(lambda: len(scene.superseding()) == BOTH, "verdicts", PATIENCE_S)
        await until(lambda: scene.known_to("appeal") == len(COPIES), "what came back", PATIENCE_S)
    _all_are_allowed_once(scene)
    assert scene.audit() == 0, "people's verdicts supersede, and contradict nothing"


def _blocked_together(scene: ReviewScene) -> None:
    found = scene.next("ann")
    assert len(found["alike"]) == len(COPIES) - 1
    words = ("--label", "words.DOUBT", "--outcome", "block", "--rule", "R1")
    assert scene.decide("ann", found["case"], *words)["decisions"][0]["batch"]


def _all_are_allowed_once(scene: ReviewScene) -> None:
    """By a verdict that supersedes the block, for one decision each, all but one of them follow."""
    records = scene.on(".decisions")
    said = [DecisionRecord.model_validate_json(record.value or b"") for record in records]
    assert Counter((each.message_id, each.outcome) for each in said) == {
        (f"m-{number}", outcome): 1
        for number in range(len(COPIES))
        for outcome in ("block", "allow")
    }
    allowed = {each.message_id: each for each in said if each.outcome == "allow"}
    blocked = {each.message_id: each for each in said if each.outcome == "block"}
    first = allowed["m-1"]
    assert {each.cause for each in allowed.values()} == {"appeal"}
    assert [each.follows for each in allowed.values()].count(first.id) == len(COPIES) - 1
    assert len({each.batch for each in allowed.values()}) == 1
    later = [r for r in scene.superseding() if r.topic.endswith(".allow")]
    told = {r.header("safeguard-message-id"): r for r in later}
    assert len(later) == len(told) == len(COPIES)
    for name, record in told.items():
        assert record.header("safeguard-supersedes") == blocked[str(name)].verdict
        assert record.header("safeguard-verdict-id") == allowed[str(name)].verdict
        assert record.header("safeguard-cause") == "appeal"
