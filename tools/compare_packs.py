"""Compare the test figures of two packs: the committed one and one made again; fails when one differs by over a point.

python tools/compare_packs.py packs/demo build/pack
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

POINT = 0.01
COMPARED = ("map", "rank1", "average_precision")


def figures(node: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield (name, value) of the compared figures over all test identities; those of groups are too few to compare."""
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in COMPARED:
            yield f"{path}{name}", float(value)
        elif name != "by_group":
            yield from figures(value, f"{path}{name}.")


def main() -> int:
    """Print both packs' figures side by side; the exit status is 1 when one differs by over a point."""
    ours, again = (json.loads((Path(folder) / "metrics.json").read_text())["test"] for folder in sys.argv[1:3])
    worst, other = 0.0, dict(figures(again))
    for name, value in figures(ours):
        print(f"{name:45} {value:8.4f} {other[name]:8.4f}")
        worst = max(worst, abs(value - other[name]))
    print(f"largest difference {worst:.4f}, allowed {POINT}")
    return int(worst > POINT)


if __name__ == "__main__":
    raise SystemExit(main())
