"""systemd: a unit that comes back, is stopped in peace, and may do little else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from consumer.worker.restarts import TO_MEND
from tests.deploy.shipped import Shipped

WANTED = {
    "Restart": {"on-failure", "always"},
    "RestartPreventExitStatus": {str(TO_MEND)},
    "KillMode": {"mixed"},
    "DynamicUser": {"yes"},
    "NoNewPrivileges": {"yes"},
    "ProtectSystem": {"strict"},
    "ProtectHome": {"yes"},
    "PrivateTmp": {"yes"},
    "PrivateDevices": {"yes"},
    "CapabilityBoundingSet": {""},
    "RestrictAddressFamilies": {"AF_INET AF_INET6 AF_UNIX"},
}
EXPOSURE_MAX = 20
"""Of 100, as `systemd-analyze security` counts."""
NOT_INSTALLED = "is not executable: No such file or directory"


def faults(shipped: Shipped) -> Iterator[str]:
    unit = {name: value for section, name, value in shipped.unit() if section == "Service"}
    for name, wanted in WANTED.items():
        if unit.get(name) not in wanted:
            yield f"safeguard.service: {name} is {unit.get(name)}, not {' or '.join(wanted)}"
    if not unit.get("ExecStart", "").startswith("/"):
        yield "safeguard.service: ExecStart needs a whole path"
    if "-HUP" not in unit.get("ExecReload", ""):
        yield "safeguard.service: a reload does not read the policies anew"
    yield from analyzed(shipped) or ()


def analyzed(shipped: Shipped) -> list[str] | None:
    """What systemd's own tool finds; None where it is not on this machine."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    file = str(shipped.deploy / "systemd" / "safeguard.service")
    verified = _run(program, "verify", file)
    # The program is not installed here, and a unit need not be either.
    found = [line for line in verified.stderr.splitlines() if NOT_INSTALLED not in line]
    rated = _run(program, "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", file)
    if rated.returncode:
        found.append(f"safeguard.service: {(rated.stdout or rated.stderr).splitlines()[-1]}")
    return found


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)
