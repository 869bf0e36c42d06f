"""Measurements that are not of this package and whose figures belong into its report.

An extra has a name, is made like any step, and gives a report and a page. Claims read reports by these names. Of
`served` they read the mapping under `figures`: `calibration_error.<query kind>` and `open_set_share.<query kind>`, each
a mapping of `value` and, where known, `low`, `high` and `chance`; they then stand in place of those of the protocol
`csm`. Of `ceiling` they read the shares that `python -m evaluation ceiling` writes, and put them beside the share of
typed descriptions. Of `faces` they read what `python -m evaluation faces` writes under `falls`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.index.kept import Made
from evaluation.truth import Film
from packs.manifest import Pack

__all__ = ["Extra", "Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """What an extra may look at.

    Attributes:
        films: With their folders and truths.
        appearances: The read-back of the gallery, for `evaluation.datasets.store.read_search`.
        record: Folder of the index's files, of a stack that is down.
        pack: That embedded.
        say: Receives lines of progress.
    """

    films: Sequence[Film]
    appearances: Path
    record: Path
    pack: Pack
    say: Callable[[str], None]


Extra = Callable[[Given], Made]
