"""What the README tells people to copy works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from consumer.settings.load import load_settings
from tests.generated import README
from tests.records import write
from tests.stage import Broker


def test_the_readmes_consumer_reads_the_allow_topic_and_skips_what_it_has_seen(
    broker: Broker, tmp_path: Path
) -> None:
    """Two records of one position are delivered once; a superseding one is delivered too."""
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code
    assert len(code[1].splitlines()) <= 25
    topic = broker.topic(suffix=".allow")
    group = ("safeguard-group", b"g")

    def verdict(position: bytes, name: bytes, *more: tuple[str, bytes | None]) -> None:
        headers = [group, ("safeguard-position", position), ("safeguard-message-id", name), *more]
        write(broker.bootstrap_servers, topic, [b"text"], headers=headers)

    verdict(b"in/0/0", b"first")
    verdict(b"in/0/0", b"again")
    verdict(b"in/0/1", b"second")
    verdict(b"in/0/1", b"superseding", ("safeguard-supersedes", b"x"))
    verdict(b"in/0/2", b"last")
    script = tmp_path / "reader.py"
    script.write_text(
        code[1]
        .replace("broker-1:9092", broker.bootstrap_servers)
        .replace("chat.messages.allow", topic)
        .replace("print(", "print(flush=True, *(")
        .replace("message.value())", "message.value()))")
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        seen = []
        for line in reader.stdout:
            seen.append(line.split("'")[1])
            if seen[-1] == "last":
                break
        reader.terminate()

    assert seen == ["first", "second", "superseding", "last"]


def test_the_readmes_settings_are_settings(tmp_path: Path) -> None:
    """The example of a safeguard.toml loads, and means what it says."""
    found = re.search(r"```toml\n# safeguard\.toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    file = tmp_path / "safeguard.toml"
    file.write_text(found[1])
    settings = load_settings(file, environment={})

    assert settings.kafka.client["sasl.username"] == "moderation"
    assert settings.kafka.client_files["sasl.password"] == Path("/run/secrets/kafka")
    assert settings.inference.calls_max == 128
