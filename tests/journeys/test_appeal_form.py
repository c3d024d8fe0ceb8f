"""A worker blocks, the author follows a link and objects, and a person gets the case to decide."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.review.records.complaint import AppealRecord
from tests.browser.served import ServedConsole
from tests.journeys.reviewing import PATIENCE_S, ReviewScene
from tests.journeys.test_cli import safeguard
from tests.stage import Broker
from tests.waiting import until


class Author:
    """The person moderated, who has a link and no account."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.origin = link.partition("/appeal/")[0]

    def read(self) -> str:
        with urllib.request.urlopen(self.link, timeout=20) as answer:
            return str(answer.read().decode())

    def object(self, note: str) -> int:
        """Fill the form in and send it; the status of the answer."""
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.read())
        fields = {"note": note, "token": found[1] if found else ""}
        body = urllib.parse.urlencode(fields).encode()
        asked = urllib.request.Request(self.link, body, {"Origin": self.origin})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_an_author_objects_and_a_person_decides(real_broker: Broker, tmp_path: Path) -> None:
    """No reviewer knew of the block: the link is found on its topic, and the form needs no row."""
    scene = ReviewScene(real_broker, tmp_path, f"sqlite:///{tmp_path / 'review.sqlite'}")
    scene.say(0, "a banned thing")
    scene.say(2, "a banned thing")
    await scene.work(2)
    blocked, copy = sorted(scene.on(".block"), key=lambda r: str(r.header("safeguard-message-id")))
    assert copy.header("safeguard-cause") == "memo"
    verdict = blocked.header("safeguard-verdict-id") or ""
    secret = tmp_path / "secret"
    secret.write_text("a secret that nobody guesses")
    named = scene.flags()[1::2]
    more = [*named, f"review.console.appeals.secret_file={secret}"]
    with ServedConsole(scene.store, scene.policies, tmp_path, more) as console:
        port = console.origin.rpartition(":")[2]
        words = [f"--set=review.console.port={port}", f"--set={more[-1]}", "--by", "u-7"]
        code, none = await asyncio.to_thread(scene.command, "appeal-link", "0" * 32, *words)
        assert (code, none) == (1, {"link": None})
        _, made = await asyncio.to_thread(scene.command, "appeal-link", verdict, *words)
        assert made["by"] == "u-7"
        author = Author(made["link"])
        page = await asyncio.to_thread(author.read)
        assert "was blocked" in page
        assert "says the second word" in page
        with scene.feed():
            assert await asyncio.to_thread(author.object, "it was a quote") == 200
            await scene.until_open(1)
            assert await asyncio.to_thread(author.object, "and again") == 409
            (sent,) = scene.on(".appeals")
            record = AppealRecord.model_validate_json(sent.value or b"")
            assert (record.verdict_id, record.note) == (verdict, "it was a quote")
            case = (await asyncio.to_thread(scene.next, "ann"))["case"]
            decided = await asyncio.to_thread(scene.decide, "ann", case, "--outcome", "allow")
            assert decided["shared_from"] == verdict, "of the copy no reviewer knows"
            await until(lambda: scene.superseding(), "the verdict", PATIENCE_S)
    (found,) = scene.superseding()
    assert found.header("safeguard-supersedes") == verdict
    assert found.header("safeguard-cause") == "appeal"
    assert await _judged_by_itself(scene, verdict) == 1
    other = scene.superseding()[-1]
    assert other.header("safeguard-supersedes") == copy.header("safeguard-verdict-id")
    assert other.header("safeguard-cause") == "replay"
    assert await _judged_by_itself(scene, verdict) == 0, "what has been replaced is no more shared"


async def _judged_by_itself(scene: ReviewScene, verdict: str) -> int:
    """Of what shares a verdict, how many have one of their own by now."""
    async with StandInSafeguard() as server:
        words = ["rejudge", "--topic", scene.topic, "--shared", verdict, "--json", *scene.flags()]
        words.append(f"--set=inference.endpoint={server.base_url}")
        words.append("--set=inference.model=stand-in-safeguard")
        done = await asyncio.to_thread(safeguard, *words)
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["superseded"])
