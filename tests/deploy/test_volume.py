"""Policies from a ConfigMap are the policies of the checkout, and an edit arrives while running."""

from __future__ import annotations

import os
from pathlib import Path

from consumer.registry.store import PolicyStore
from consumer.telemetry.telemetry import Telemetry
from tests.deploy.shipped import Shipped
from tests.generated import ROOT


def project(volume: Path, items: dict[str, str], data: dict[str, str], stamp: str) -> None:
    """Lay the keys out as a kubelet does: in a dated folder, behind links that swap at once."""
    for key, path in items.items():
        file = volume / stamp / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(data[key])
    swap = volume / "..data_tmp"
    swap.symlink_to(stamp)
    os.replace(swap, volume / "..data")
    for path in items.values():
        top = Path(path).parts[0]
        if not (volume / top).is_symlink():
            (volume / top).symlink_to(f"..data/{top}")


def test_a_mounted_config_map_is_the_policies_and_changes_arrive(tmp_path: Path) -> None:
    """The same digests as in the checkout; a new version is picked up after the kubelet's swap."""
    shipped = Shipped(ROOT)
    (volume,) = [each for each in shipped.pod()["volumes"] if each["name"] == "policies"]
    items = {each["key"]: each["path"] for each in volume["configMap"]["items"]}
    data = shipped.manifest("ConfigMap", "safeguard-policies")["data"]
    assert set(items) == set(data)
    project(tmp_path, items, data, "..2026_01_31_08_00_00.1")

    mounted = PolicyStore(tmp_path, Telemetry())
    ours = PolicyStore(ROOT / "policies", Telemetry())
    digests = [binding.live.digest for binding in mounted.catalogue.bindings]
    assert digests == [binding.live.digest for binding in ours.catalogue.bindings]

    edited = data | {
        "chat.messages--topic.toml": data["chat.messages--topic.toml"].replace(
            "live = 2", "live = 1"
        )
    }
    project(tmp_path, items, edited, "..2026_01_31_09_00_00.2")
    assert not mounted.reload_if_changed(), "seen once: it may still be changing"
    assert mounted.reload_if_changed()
    (chat,) = [b for b in mounted.catalogue.bindings if "chat.messages" in b.live.id]
    assert chat.live.number == 1
