"""The world as it was measured: `synthetic/world.json`, kept in the repository beside the world's sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.gates.digest import changed_parts, world_digests

SCHEMA = "synthcast-world/1"
REMEDY = (
    "run `make world`, which measures the gates again and writes synthetic/world.json; "
    "say in docs/synthcast.md what moved"
)


@dataclass(frozen=True, slots=True)
class FrozenWorld:
    """What stands in the file."""

    world_version: int
    digests: Mapping[str, str]
    figures: Mapping[str, Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]


def read_world(path: Path) -> FrozenWorld:
    """Read the file.

    Raises:
        ValueError: another schema.
    """
    told = json.loads(path.read_text(encoding="utf-8"))
    if told.get("schema") != SCHEMA:
        raise ValueError(f"got schema {told.get('schema')!r} in {path}, expected {SCHEMA!r}: {REMEDY}")
    return FrozenWorld(int(told["world_version"]), told["digests"], told["figures"], told["history"])


def write_world(
    path: Path,
    version: int,
    digests: Mapping[str, str],
    figures: Mapping[str, Mapping[str, Any]],
    measured_on: Mapping[str, Any],
) -> None:
    """Write the file; figures of an earlier version that stood in it go to its history."""
    history: list[Any] = []
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        history = list(before.get("history", []))
        if before.get("world_version") != version:
            values = {name: row["value"] for name, row in before["figures"].items()}
            history.append({"world_version": before["world_version"], "figures": values})
    told = {
        "schema": SCHEMA,
        "world_version": version,
        "digests": dict(digests),
        "figures": {name: dict(row) for name, row in figures.items()},
        "measured_on": dict(measured_on),
        "history": history,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


def why_not_frozen(world: FrozenWorld, root: Path, version: int) -> str | None:
    """Say why the sources under `root` are not the world that was measured; None when they are."""
    if world.world_version != version:
        return f"the code is world version {version}, the gates were measured on {world.world_version}: {REMEDY}"
    changed = changed_parts(world.digests, world_digests(root))
    return f"what makes {' and '.join(changed)} changed since the gates were measured: {REMEDY}" if changed else None
