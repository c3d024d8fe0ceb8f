"""Settings are read: who wins, what is refused and where it stood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "safeguard.toml"


def fault(
    file: Path | None,
    flags: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(file, flags or {}, environment or {})
    return str(caught.value)


def test_the_defaults() -> None:
    """Without file, environment and flags every setting has its default."""
    assert load_settings(None, {}, {}) == Settings()


def test_flag_over_environment_over_file_over_default(file: Path) -> None:
    """A flag wins over the environment, which wins over the file, which wins over the default."""
    file.write_text('[kafka]\ngroup = "file"\n')
    environment = {"SAFEGUARD_KAFKA__GROUP": "environment"}
    flags = {"kafka.group": "flag"}
    assert load_settings(file, flags, environment).kafka.group == "flag"
    assert load_settings(file, {}, environment).kafka.group == "environment"
    assert load_settings(file, {}, {}).kafka.group == "file"
    assert load_settings(None, {}, {}).kafka.group == "safeguard"


def test_sources_are_mixed_by_name(file: Path) -> None:
    """Each setting is looked up for itself: one from a flag leaves its neighbours alone."""
    file.write_text('[kafka]\ngroup = "mine"\n[pipeline]\ndrain_s = 5\n')
    loaded = load_settings(
        file, {"kafka.linger_ms": "2.5"}, {"SAFEGUARD_PIPELINE__PENDING_MAX": "77"}
    )
    assert (loaded.kafka.group, loaded.kafka.linger_ms) == ("mine", 2.5)
    assert (loaded.pipeline.drain_s, loaded.pipeline.pending_max) == (5.0, 77)


def test_words_become_values() -> None:
    """Flags and environment are text, and are read as the type of the setting."""
    loaded = load_settings(
        None,
        {"kafka.create_topics": "true", "policies.folder": "/srv/policies"},
        {"SAFEGUARD_INFERENCE__CALLS_MAX": "8", "SAFEGUARD_KAFKA__TOPIC_IDS": "false"},
    )
    assert loaded.kafka.create_topics is True
    assert loaded.kafka.topic_ids is False
    assert loaded.inference.calls_max == 8
    assert loaded.policies.folder == Path("/srv/policies")


def test_other_variables_are_none_of_ours() -> None:
    """Only names with our prefix and a section are settings."""
    environment = {"KAFKA__GROUP": "x", "SAFEGUARD_HOME": "/x", "PATH": "/bin"}
    assert load_settings(None, {}, environment) == Settings()


def test_the_processs_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no environment is given, the process's own is read."""
    monkeypatch.setenv("SAFEGUARD_KAFKA__GROUP", "from-process")
    assert load_settings(None).kafka.group == "from-process"


def test_every_fault_with_its_place(file: Path) -> None:
    """All faults are listed at once, each with the file, the variable or the flag that holds it."""
    file.write_text('[kafka]\ngruop = "x"\nlinger_ms = "soon"\n')
    said = fault(
        file,
        {"inference.calls_max": "0", "pipeline.drain": "5"},
        {"SAFEGUARD_TELEMETRY__HEALTH_PORT": "99999"},
    )
    lines = said.splitlines()
    assert lines[0] == "5 faults in the settings:"
    assert any(
        f"{file}:2: kafka.gruop: unknown setting; did you mean kafka.group?" in line
        for line in lines
    )
    assert any(f"{file}:3: kafka.linger_ms: " in line for line in lines)
    assert any("--set inference.calls_max: " in line for line in lines)
    assert any("--set pipeline.drain: unknown setting" in line for line in lines)
    assert any("environment SAFEGUARD_TELEMETRY__HEALTH_PORT: " in line for line in lines)


def test_one_fault_is_one() -> None:
    """The count agrees with its noun."""
    assert fault(None, {"kafka.gruop": "x"}).startswith("1 fault in the settings:\n")


@pytest.mark.parametrize(
    ("flags", "environment", "place"),
    [
        ({"kafak.group": "x"}, {}, "--set kafak.group"),
        ({"kafak": "x"}, {}, "--set kafak"),
        ({}, {"SAFEGUARD_KAFAK__GROUP": "x"}, "environment SAFEGUARD_KAFAK__GROUP"),
    ],
)
def test_an_unknown_section_has_a_place(
    flags: dict[str, str], environment: dict[str, str], place: str
) -> None:
    """A section that does not exist is named with what names it."""
    said = fault(None, flags, environment)
    assert f"{place}: unknown setting" in said


def test_an_unknown_section_of_the_file(file: Path) -> None:
    """A misspelt table is named with the file that holds it."""
    file.write_text('[kafak]\ngroup = "x"\n')
    assert f"{file}:2: kafak.group: unknown setting; did you mean kafka?" in fault(file)


@pytest.mark.parametrize(
    ("text", "flags", "environment"),
    [
        ("kafka = 5\n", {}, {"SAFEGUARD_KAFKA__GROUP": "x"}),
        ("kafka = 5\n", {"kafka.group": "x"}, {}),
        ("", {"kafka": "5", "kafka.group": "x"}, {}),
        ("", {"kafka.group": "x", "kafka": "5"}, {}),
        ("[kafka]\nclient = 5\n", {}, {"SAFEGUARD_KAFKA__CLIENT__SASL_USERNAME": "u"}),
        ("", {"kafka.client.a.b": "x"}, {"SAFEGUARD_KAFKA__CLIENT": "5"}),
        ("[[kafka]]\ngroup = 1\n", {}, {}),
        ("kafka = 5\n", {}, {}),
    ],
)
def test_a_section_of_another_type(
    text: str, flags: dict[str, str], environment: dict[str, str], file: Path
) -> None:
    """A value where a table belongs is a fault that is listed, whatever else is set beside it."""
    file.write_text(text)
    assert "kafka" in fault(file, flags, environment).lower()


@pytest.mark.parametrize(
    "content",
    [
        b"[kafka\n",
        b"a = 1\na = 2\n",
        b"[kafka]\ngroup = 'x\n",
        b"x = " + b"[" * 5_000,
        b"a." * 5_000 + b"b = 1\n",
    ],
    ids=range(5),
)
def test_a_file_that_is_no_toml(content: bytes, file: Path) -> None:
    """A file that cannot be read as TOML is named, with what is wrong in it."""
    file.write_bytes(content)
    assert f"{file} is not TOML: " in fault(file)


def test_a_file_that_is_no_utf8(file: Path) -> None:
    file.write_bytes(b"[kafka]\ngroup = 'caf\xe9'\n")
    assert f"{file} is not UTF-8: save the file as UTF-8" in fault(file)


def test_a_file_without_end_is_not_read_to_its_end(file: Path) -> None:
    """It took all of the machine's memory."""
    file.symlink_to("/dev/zero")
    assert f"{file} is larger than 256,000 bytes" in fault(file)


def test_a_pipe_is_a_file_like_any_other(tmp_path: Path) -> None:
    """A shell's `<(…)` is one, by which secrets never come to lie on a disk."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"\xef\xbb\xbf[kafka]\r\ngroup = 'g'\r\n")
        os.close(writing)
        assert load_settings(Path(f"/dev/fd/{reading}"), {}, {}).kafka.group == "g"
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1",
        "http://[x]/v1",
        "http://a:99999/v1",
        "http://a:0/v1",
        "http://a:b/v1",
        "http://a b/v1",
        "http://:8000/v1",
        "http://u@/v1",
    ],
)
def test_an_address_that_nobody_could_be_asked_at(address: str) -> None:
    """It ended the command, or the worker at its first call, with a traceback."""
    said = fault(None, {"inference.endpoint": address})
    assert 'no host and port: write it as in "http://127.0.0.1:8000/v1"' in said


@pytest.mark.parametrize("address", ["http://[::1]:8000/v1", "https://u:p@host", "http://a_b:80/"])
def test_an_address_of_any_host(address: str) -> None:
    assert load_settings(None, {"inference.endpoint": address}, {}).inference.endpoint == address


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file, or a folder, is named as what cannot be read."""
    assert "cannot be read: No such file" in fault(tmp_path / "none.toml")
    assert "cannot be read: Is a directory" in fault(tmp_path)


def test_a_fault_quotes_no_secret(file: Path) -> None:
    """The message of a fault does not repeat the value, which may be a password."""
    file.write_text(
        '[kafka]\nlinger_ms = "xq7canary"\n[kafka.client]\n"sasl.password" = ["xq7canary"]\n'
    )
    assert "xq7canary" not in fault(file)


def test_settings_cannot_be_changed() -> None:
    """What was read at the start stays as it was."""
    with pytest.raises(ValidationError):
        Settings().kafka.group = "other"


def test_dotted_names_in_the_file(file: Path) -> None:
    """Properties are written with their own dotted names, quoted or not."""
    file.write_text(
        "[kafka.client]\n"
        'security.protocol = "SASL_SSL"\n'
        '"sasl.mechanism" = "PLAIN"\n'
        "sasl.username = 'u'\n"
        "fetch.min.bytes = 5\n"
        "[kafka.client_files]\n"
        'sasl.password = "/run/secrets/p"\n'
    )
    kafka = load_settings(file, {}, {}).kafka
    assert kafka.client == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "u",
        "fetch.min.bytes": 5,
    }
    assert kafka.client_files == {"sasl.password": Path("/run/secrets/p")}


def test_dotted_names_from_elsewhere(file: Path) -> None:
    """Environment and flags add to the file's properties, and win over the same name."""
    file.write_text('[kafka.client]\nsasl.username = "file"\nsecurity.protocol = "SSL"\n')
    kafka = load_settings(
        file,
        {"kafka.client.client.rack": "r1"},
        {
            "SAFEGUARD_KAFKA__CLIENT__SASL_USERNAME": "environment",
            "SAFEGUARD_KAFKA__CLIENT_FILES__SASL_PASSWORD": "/p",
        },
    ).kafka
    assert kafka.client == {
        "sasl.username": "environment",
        "security.protocol": "SSL",
        "client.rack": "r1",
    }
    assert kafka.client_files == {"sasl.password": Path("/p")}


SEVERAL = """
[inference]
model = "small"
calls_max = 32

[inference.endpoints.gpu-a]
address = "http://a:8000/v1"

[inference.endpoints.gpu-b]
address = "http://b:8000/v1"
model = "large"
calls_max = 8
role = "second"
"""


def test_endpoints_of_which_none_judges_are_refused(file: Path) -> None:
    """A second opinion alone is none."""
    file.write_text(SEVERAL.replace('"http://a:8000/v1"', '"http://a:8000/v1"\nrole = "second"'))

    with pytest.raises(InvalidSettings, match=r'role = "first"'):
        load_settings(file, environment={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kafka.group", ""),
        ("kafka.group", "a\x00b"),
        ("kafka.bootstrap_servers", ""),
        ("kafka.bootstrap_servers", " , "),
        ("kafka.bootstrap_servers", "a:9092 b:9092"),
        ("inference.model", ""),
        ("telemetry.health_host", ""),
    ],
)
def test_names_that_are_empty_are_refused(name: str, value: str) -> None:
    """An empty group ended the process in the client library; an empty host is every address."""
    assert f"--set {name}: must " in fault(None, {name: value})


@pytest.mark.parametrize("brokers", ["a:9092", "a:9092, b:9092", "SSL://a:9092,[::1]:9092,", "a"])
def test_brokers_in_every_spelling_of_the_client_library(brokers: str) -> None:
    """Kept as they are."""
    assert load_settings(None, {"kafka.bootstrap_servers": brokers}, {}).kafka.bootstrap_servers
