"""
`python -m tests.dataset.evaluate FILE.jsonl`: `safeguard evaluate` on a whole set, at llama.cpp.

The file is the 2022 moderation set: a `prompt` and a column for each category. The command is
killed twice on its way and goes on each time; `build/evaluate.json` says how many rows there were,
how many questions were asked twice, how many figures differ from scikit-learn's on the same
predictions, and how often anything but this machine was spoken to. The model is tiny and random:
its verdicts mean nothing, the protocol is real.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from tests.servers.llama import LlamaServer

ROOT = Path(__file__).parent.parent.parent
SLOTS = 4
COLUMNS = {
    "sexual": "S",
    "hate": "H",
    "violence": "V",
    "harassment": "HR",
    "self_harm": "SH",
    "sexual_minors": "S3",
    "hate_threatening": "H2",
    "violence_graphic": "V2",
}
KILLS = (0.25, 0.6)
"""At these shares of all questions the command is killed."""
TRIES_MAX = 5


def main() -> int:
    """Returns 0 where nothing was asked twice, every figure agrees and nobody else was asked."""
    arguments = _arguments()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="evaluate-") as name:
        folder = Path(name)
        with LlamaServer(folder / "llama", slots=SLOTS, context=8_192) as llama:
            started_s = time.monotonic()
            command = _command(arguments, folder, llama)
            code = _run(command, folder, console)
            seconds = time.monotonic() - started_s
        if code not in (0, 1) or not (folder / "report.json").exists():
            console.print(f"the command ended with {code}", style="red")
            return 1
        report = json.loads((folder / "report.json").read_text())
        found = {
            "rows": report["cases"]["rows"],
            "questions": report["runs"][0]["questions"],
            "judged_twice": report["results"]["judged_twice"] + _twice(folder / "results.jsonl"),
            "mismatches_vs_sklearn": _mismatches(report, folder, arguments, console),
            "external_requests": _external(folder),
            "kills": len(KILLS),
            "seconds": round(seconds, 1),
        }
        for kept in ("report.json", "report.html"):
            (arguments.out.parent / f"evaluate.{kept}").write_bytes((folder / kept).read_bytes())
    arguments.out.write_text(json.dumps(found, indent=2) + "\n")
    console.print(", ".join(f"{name} {value}" for name, value in found.items()))
    wrong = ("judged_twice", "mismatches_vs_sklearn", "external_requests")
    return 0 if found["questions"] and not any(found[each] for each in wrong) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.dataset.evaluate",
        description="Evaluate a data set on a real server, with kills, and check the figures.",
        epilog="Example: make evaluate DATA=../shared/data/openai-moderation-2022.jsonl",
    )
    parser.add_argument("data", type=Path, help="JSON lines: a `prompt` and category columns")
    parser.add_argument("--limit", type=int, default=0, help="at most so many texts; 0 is all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "evaluate.json")
    arguments = parser.parse_args()
    if not arguments.data.is_file():
        parser.error(f"{arguments.data} is no file: give DATA=path/to/file.jsonl")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    return arguments


def _command(arguments: argparse.Namespace, folder: Path, llama: LlamaServer) -> list[str]:
    settings = {
        "inference.endpoint": llama.base_url,
        "inference.model": llama.model,
        "inference.calls_max": SLOTS,
        "inference.timeout_s": 120,
        "inference.tokens_max": 1_024,
        "inference.segment_bytes": 8_000,
    }
    words: list[object] = [
        *(sys.executable, "-m", "tests.dataset.watched", folder / "connections"),
        *("evaluate", "--preset", "moderation-2022", "--cases", arguments.data.resolve()),
        *("--yes", "--limit", arguments.limit),
        *("--results", folder / "results.jsonl", "--concurrency", SLOTS),
        *("--report", folder / "report.json", "--report", folder / "report.html"),
    ]
    words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [str(word) for word in words]


def _run(command: Sequence[str], folder: Path, console: Console) -> int:
    """Kills the command at each of the shares, and lets the last one end."""
    total = 0
    # A machine that stands still for minutes loses its server: the command says so and goes on.
    for share in (*KILLS, *[None] * TRIES_MAX):
        with (folder / "errors").open("w") as errors:
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
            try:
                while process.poll() is None:
                    time.sleep(1)  # the results file tells nobody that it grew
                    total = total or _total(folder / "errors")
                    done = _lines(folder / "results.jsonl")
                    if console.is_terminal:
                        console.print(f"\r{done} of {total or '?'} questions", end="")
                    if share is not None and total and done >= share * total:
                        process.kill()
                        process.wait()
                        console.print(f"\nkilled at {done}")
            finally:
                process.kill()
                process.wait()
        if (folder / "report.json").exists():
            break
    console.print()
    if not (folder / "report.json").exists():
        console.print((folder / "errors").read_text()[-2_000:], markup=False)
    return process.returncode


def _total(errors: Path) -> int:
    """How many questions there are, as the command says once it has begun."""
    found = re.search(r"^judging (\d+) questions", errors.read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def _lines(results: Path) -> int:
    if not results.exists():
        return 0
    return max(0, results.read_bytes().count(b"\n") - 1)


def _answers(results: Path) -> Iterator[dict[str, Any]]:
    for line in results.read_bytes().splitlines()[1:]:
        yield json.loads(line)


def _twice(results: Path) -> int:
    keys = [answer["key"] for answer in _answers(results) if answer["reason"] != "outage"]
    return len(keys) - len(set(keys))


def _mismatches(
    report: dict[str, Any], folder: Path, arguments: argparse.Namespace, console: Console
) -> int:
    """
    How many figures of policies and labels differ from scikit-learn's.

    The predictions are read from the results file by the order in which questions are asked: not by
    the code that made the report.
    """
    pairs = _predictions(folder / "results.jsonl", arguments)
    wrong: list[str] = []

    def compare(name: str, ours: Any, theirs: float) -> None:
        value = ours["value"] if isinstance(ours, dict) else ours
        if abs((value or 0.0) - theirs) > 1e-9:
            wrong.append(f"{name}: {value}, scikit-learn {theirs}")

    for policy in report["runs"][0]["policies"]:
        due, given = zip(*pairs[policy["policy"]], strict=True)
        compare(f"{policy['policy']} accuracy", policy["accuracy"], accuracy_score(due, given))
        columns = precision_recall_fscore_support(due, given, labels=["0", "1"], zero_division=0.0)
        for at, label in enumerate(policy["labels"]):
            for measure, column in zip(("precision", "recall", "f1", "due"), columns, strict=True):
                name = f"{policy['policy']} {label['label']} {measure}"
                compare(name, label[measure], float(column[at]))
        harm = policy["harm"]
        ours = [harm[name] for name in ("passed", "false_alarms", "missed", "found")]
        taken = [each if each == "1" else "0" for each in given]
        theirs = confusion_matrix(due, taken, labels=["0", "1"]).ravel()
        for name, mine, their in zip(("tn", "fp", "fn", "tp"), ours, theirs, strict=True):
            compare(f"{policy['policy']} {name}", mine, float(their))
    for line in wrong[:20]:
        console.print(line, style="red")
    return len(wrong)


def _predictions(results: Path, arguments: argparse.Namespace) -> dict[str, list[tuple[str, str]]]:
    """Due and given by policy, from the file and the results alone."""
    given = {answer["case"] + answer["policy"]: answer["label"] for answer in _answers(results)}
    rows = [json.loads(line) for line in arguments.data.read_text().splitlines()]
    limit = arguments.limit or len(rows)
    chosen = [
        row
        for at, row in enumerate(rows)
        if at * limit // len(rows) != (at - 1) * limit // len(rows) or limit >= len(rows)
    ]
    pairs: dict[str, list[tuple[str, str]]] = {policy: [] for policy in COLUMNS}
    for row in chosen:
        for policy, column in COLUMNS.items():
            if row.get(column) is not None:
                label = given[_digest(row["prompt"]) + policy]
                pairs[policy].append((str(row[column]), label or "unjudged"))
    return pairs


def _digest(text: str) -> str:
    from hashlib import blake2b

    return blake2b(text.encode(), digest_size=16).hexdigest()


def _external(folder: Path) -> int:
    """Connections to anything but this machine, and addresses that the page would fetch."""
    file = folder / "connections"
    lines = file.read_text().splitlines() if file.exists() else []
    away = [line for line in lines if not line.startswith(("127.", "::1", "/"))]
    page = (folder / "report.html").read_text()
    fetched = re.findall(r"<[a-z]+[^>]*\s(?:src|href|action|poster)\s*=", page)
    return len(away) + len(fetched)


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "80")
    raise SystemExit(main())
