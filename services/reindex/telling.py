"""What a reindex says to people and to programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from packs.manifest import Pack
from packs.shelf import KEY_DIGITS
from packs.spec import Modality
from services.backends.schemas import Video
from services.reindex.difference import Difference, ModalityDifference
from services.reindex.run import Totals
from services.reindex.ways import Way

__all__ = ["Bar", "difference_table", "difference_view", "pack_name", "progress_bar", "totals_view"]


class Bar:
    """A watcher that draws a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("bringing over", total=None, facts="")

    def began(self, appearances: int, done: int) -> None:
        """Take the whole; it grows when videos become ready meanwhile."""
        self._progress.update(self._task, total=max(appearances, 1), completed=done, facts="")

    def written(self, video: Video, appearances: int) -> None:
        """Move on."""
        self._progress.update(self._task, advance=appearances, facts="")

    def waiting(self, videos: int, why: str) -> None:
        """Say what for."""
        self._progress.update(self._task, facts=f"waiting for {videos} videos: {why}" if videos else f"waiting: {why}")


def progress_bar() -> Progress:
    """A bar on standard error."""
    from rich.console import Console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total} appearances"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
    )
    return Progress(*columns, console=Console(stderr=True))


def pack_name(pack: Pack) -> str:
    """Name, version and key of a pack."""
    return f"{pack.name} {pack.version} ({pack.digest[:KEY_DIGITS]})"


def difference_table(found: Difference, ways: Mapping[Modality, Way], totals: Totals) -> Table:
    """One line for each modality."""
    headings = ("modality", "old", "new", "made from", "lost now", "top-10 overlap", "same first", "sample")
    table = Table(*headings, box=None, pad_edge=False)
    for modality, one in found.modalities.items():
        way = ways.get(modality, Way.NONE)
        table.add_row(
            modality,
            str(one.old),
            str(one.new),
            way,
            str(totals.lost[modality]),
            _share(one.overlap),
            _share(one.same_first),
            str(one.sampled),
        )
    return table


def difference_view(found: Difference) -> dict[str, Any]:
    """The same for programs."""
    return {
        "old_appearances": found.old_appearances,
        "new_appearances": found.new_appearances,
        "modalities": {str(modality): _view(one) for modality, one in found.modalities.items()},
    }


def totals_view(totals: Totals) -> dict[str, Any]:
    """What was done, for programs."""
    lost = {str(modality): count for modality, count in sorted(totals.lost.items())}
    return {"written": totals.appearances, "removed": totals.removed, "lost": lost}


def _view(one: ModalityDifference) -> dict[str, Any]:
    shares = {"top_10_overlap": one.overlap, "same_first": one.same_first}
    return {"old": one.old, "new": one.new, "sampled": one.sampled, **shares}


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
