"""
Wrong inputs of the first hours, and the very message that each gets: the page deploy/ERRORS.md.

Goal: whoever mistypes something reads one line that says what and how to mend it. Method: each row
is played for real, and what is said is written down; a test holds the page against the code.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from consumer.cli.options import pairs_of, selection_of
from consumer.commands.beginning.policy_set import new_policy
from consumer.commands.beginning.settings_file import InitRequest, init
from consumer.commands.evaluate.author import AuthorRequest, show_author
from consumer.commands.evaluate.request import CasesRequest
from consumer.commands.packs.importer import ImportRequest, import_pack
from consumer.commands.watch.watch import OUTCOMES, chosen
from consumer.dev.safeguard.alone import stand_alone
from consumer.errors import ConsumerError, Fatal
from consumer.inference.transports.direct import DirectTransport
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.load import load_settings
from consumer.telemetry.health import Health, HealthServer
from consumer.worker.wiring import check_budgets, kafka_config
from tests.wrong_screening import SCREENING

PLACEHOLDER_PORT = "9464"
POLICY = """---
title: "Words"
labels:
  FINE: allow
  BAD: block
rules:
  R1: "says it"
examples:
  - text: "fine by me"
    label: FINE
---
# Criteria
## FINE: Everything else
## BAD: Not wanted
- R1: "bad thing".
"""
TOPIC = 'topics = ["chat"]\nlive = 1\n'


class Wrong(NamedTuple):
    """One wrong input: what is done, in words, and the doing, in an empty folder."""

    what: str
    do: Callable[[Path], object]


def settings_file(text: str) -> Callable[[Path], object]:
    def do(folder: Path) -> object:
        file = folder / "safeguard.toml"
        file.write_text(text)
        return kafka_config(load_settings(file, environment={}).kafka)

    return do


def flag(name: str, value: str) -> Callable[[Path], object]:
    return lambda _: check_budgets(load_settings(None, {name: value}, {}))


def variable(name: str, value: str = "x") -> Callable[[Path], object]:
    return lambda _: load_settings(None, {}, {name: value})


def policies(policy: str = POLICY, topic: str = TOPIC) -> Callable[[Path], object]:
    def do(folder: Path) -> object:
        version = folder / "chat" / "v1"
        version.mkdir(parents=True)
        (folder / "chat" / "topic.toml").write_text(topic)
        (version / "words.md").write_text(policy)
        return load_catalogue(folder)

    return do


def policy(old: str, new: str) -> Callable[[Path], object]:
    assert old in POLICY, old
    return policies(POLICY.replace(old, new))


def topic(text: str) -> Callable[[Path], object]:
    return policies(topic=TOPIC + text)


def health_port_taken(_: Path) -> object:
    with taken_port() as port:
        return HealthServer("127.0.0.1", port, _well, _well, CollectorRegistry())


def stand_in_port_taken(_: Path) -> object:
    with taken_port() as port, contextlib.redirect_stdout(io.StringIO()):
        return stand_alone("127.0.0.1", port, 0.0, 1)


def _well() -> Health:
    return Health(True, {})


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def dead_endpoint(_: Path) -> object:
    async def ask() -> object:
        transport = DirectTransport("http://127.0.0.1:1/v1", "none", 1, 1.0)
        try:
            return await transport.get("/models", 2.0)
        finally:
            await transport.close()

    return asyncio.run(ask())


def nobody_binds(folder: Path) -> object:
    policies()(folder)
    return binding_of(load_catalogue(folder), "other")


def set_itself(folder: Path) -> object:
    policies()(folder)
    return load_catalogue(folder / "chat")


def init_again(folder: Path) -> object:
    (folder / "safeguard.toml").write_text("")
    return init(InitRequest("127.0.0.1:1", "http://x/v1"), folder / "safeguard.toml")


def new_again(folder: Path) -> object:
    (folder / "chat").mkdir()
    return new_policy(folder, "spam", "chat")


def pack(text: str, topic: str = "chat") -> Callable[[Path], object]:
    def do(folder: Path) -> object:
        (folder / "pack").mkdir()
        (folder / "pack" / "rules.md").write_text(text)
        request = ImportRequest(folder / "pack", "teen-safety", topic, folder / "out" / "chat")
        return import_pack(folder / "out", request)

    return do


def no_report(folder: Path) -> object:
    (folder / "cases.jsonl").write_text('{"text": "x", "label": "FINE"}\n')
    return show_author(AuthorRequest(folder / "cases.jsonl"))


ROWS: tuple[tuple[str, tuple[Wrong, ...]], ...] = (
    (
        "Settings",
        (
            Wrong("`gruop` in [kafka]", settings_file('[kafka]\ngruop = "mine"\n')),
            Wrong("a table `[kafak]`", settings_file('[kafak]\ngroup = "mine"\n')),
            Wrong("a number as words", settings_file('[inference]\ncalls_max = "many"\n')),
            Wrong("a value beyond its limits", settings_file("[kafka]\nreplication = 30\n")),
            Wrong("a word that is none of the choices", flag("kafka.group_protocol", "eager")),
            Wrong("no TOML", settings_file("[kafka\n")),
            Wrong("no such file", lambda folder: load_settings(folder / "other.toml", {}, {})),
            Wrong("`--set` without a value", lambda _: pairs_of(["kafka.group"], "--set")),
            Wrong("`--set kafka.gruop=x`", flag("kafka.gruop", "x")),
            Wrong("`--set kafka.group=`", flag("kafka.group", "")),
            Wrong("`--set kafka.bootstrap_servers=`", flag("kafka.bootstrap_servers", "")),
            Wrong("a drain longer than the poll interval", flag("pipeline.drain_s", "400")),
        ),
    ),
    (
        "Environment",
        (
            Wrong("`SAFEGUARD_KAFKA_GROUP`", variable("SAFEGUARD_KAFKA_GROUP")),
            Wrong("`SAFEGUARD_INFERENCE_ENDPIONT`", variable("SAFEGUARD_INFERENCE_ENDPIONT")),
            Wrong("`SAFEGUARD_KAFKA__GRUOP`", variable("SAFEGUARD_KAFKA__GRUOP")),
            Wrong(
                "a port that is none",
                variable("SAFEGUARD_TELEMETRY__HEALTH_PORT", "99999"),
            ),
        ),
    ),
    (
        "Kafka's properties",
        (
            Wrong(
                "an unknown property",
                settings_file('[kafka.client]\nsession.timeout = "6000"\n'),
            ),
            Wrong(
                "a value that librdkafka does not take",
                settings_file('[kafka.client]\nsecurity.protocol = "SSLL"\n'),
            ),
            Wrong(
                "a property that the service owns",
                settings_file('[kafka.client]\nauto.offset.reset = "earliest"\n'),
            ),
            Wrong(
                "a secret's file that is not there",
                settings_file('[kafka.client_files]\nsasl.password = "/nowhere/password"\n'),
            ),
        ),
    ),
    (
        "Endpoints and ports",
        (
            Wrong("an endpoint without scheme", flag("inference.endpoint", "127.0.0.1:8000/v1")),
            Wrong("an endpoint without host", flag("inference.endpoint", "http:///v1")),
            Wrong("an endpoint where nothing listens", dead_endpoint),
            Wrong("the health port is taken", health_port_taken),
            Wrong("the stand-in's port is taken", stand_in_port_taken),
            Wrong("a port that is none", lambda _: stand_alone("127.0.0.1", 70_000, 0.0, 1)),
        ),
    ),
    (
        "topic.toml",
        (
            Wrong("`ordre`", topic('ordre = "key"\n')),
            Wrong("`fromat` in [message]", topic('[message]\nfromat = "json"\n')),
            Wrong("a word that is none of the choices", topic('on_unjudged = "drop"\n')),
            Wrong("a version that is not there", policies(topic='topics = ["chat"]\nlive = 3\n')),
            Wrong("no version", policies(topic='topics = ["chat"]\n')),
            Wrong("a pointer without its slash", topic('[message]\ntext = ["text"]\n')),
            Wrong("a time without its zone", topic('start = "2026-01-31T08:00:00"\n')),
            Wrong(
                "a name that Kafka does not take", policies(topic='topics = ["a b"]\nlive = 1\n')
            ),
            Wrong("no TOML", policies(topic="topics = [\n")),
        ),
    ),
    (
        "Policies",
        (
            Wrong("an outcome that is none", policy("BAD: block", "BAD: delete")),
            Wrong("a label with a space", policy("  BAD: block", '  "VERY BAD": block')),
            Wrong("a label that YAML reads as no", policy("  BAD: block", "  no: block")),
            Wrong("`titel`", policy("title:", "titel:")),
            Wrong("a colon in a text without quotes", policy('title: "Words"', "title: a: b")),
            Wrong("a tab", policy("  BAD: block", "\tBAD: block")),
            Wrong("no front matter", policies("# Only text\n")),
            Wrong("an example of no label", policy("label: FINE", "label: GOOD")),
            Wrong("a label that the text never names", policy("## BAD: Not", "## Not")),
            Wrong("an empty folder", lambda folder: load_catalogue(folder)),
            Wrong("a set instead of the folder of sets", set_itself),
        ),
    ),
    ("Lists and filters", tuple(Wrong(*each) for each in SCREENING)),
    (
        "Commands",
        (
            Wrong("a topic that no policy binds", nobody_binds),
            Wrong("`init` where a file is", init_again),
            Wrong("`policy new` where a set is", new_again),
            Wrong("`policy new Spam!`", lambda folder: new_policy(folder, "Spam!", "chat")),
            Wrong(
                "`watch --outcome blocked`", lambda _: chosen(["blocked"], OUTCOMES, "--outcome")
            ),
            Wrong("`policy import` of a document without labels", pack("# Be kind\n")),
            Wrong("`policy import` for a topic that is none", pack("## A (A0)\n", "a b")),
            Wrong("`policy review` of a file that is no report", no_report),
            Wrong(
                "`evaluate --preset hatecheck` without a file",
                lambda _: CasesRequest("chat", preset="hatecheck").check(),
            ),
            Wrong("`--since yesterday`", lambda _: selection_of(None, "yesterday", None, None, 0)),
        ),
    ),
)


def said(wrong: Wrong) -> tuple[str, int]:
    """What is printed, and the exit code; without what differs from one machine to another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            wrong.do(folder)
        except ConsumerError as error:
            code = error.exit_code if isinstance(error, Fatal) else 1
            return _plain(str(error), folder), code
    raise AssertionError(f"{wrong.what}: nothing is wrong with it")


def _plain(text: str, folder: Path) -> str:
    plain = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "policies")
    for mark in ("health_port = ", "--port "):
        head, found, rest = plain.partition(mark)
        if found and not rest.startswith("70000"):
            plain = head + found + PLACEHOLDER_PORT + rest.lstrip("0123456789")
    return plain


def page() -> str:
    """The page deploy/ERRORS.md."""
    count = sum(len(wrongs) for _, wrongs in ROWS)
    lines = [
        "# What is said about wrong inputs",
        "",
        f"{count} of them, each with the very words, generated by `make schemas`: every one is",
        "played for real. Exit codes: 2 something to mend, 1 something that may pass.",
    ]
    for title, wrongs in ROWS:
        lines += ["", f"## {title}"]
        for wrong in wrongs:
            text, code = said(wrong)
            lines += ["", f"**{wrong.what}** (exit {code})", "", "```", text, "```"]
    return "\n".join(lines) + "\n"
