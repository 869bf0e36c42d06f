"""`python -m evaluation presets`: every small preset in a real Triton, against what torch answered."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import openvino
import typer
from rich.console import Console
from rich.table import Table

from evaluation.presets.comparing import compare_served
from evaluation.presets.serving import serving
from evaluation.presets.table import HEADINGS, Figures, holds, report_of, rows_of, table_of
from export.triton_schema import ConfigError
from packs.arrays import AnyArray
from packs.engine import preferred_precision
from packs.errors import PackError
from packs.manifest import Pack
from services.backends.inference.triton import TritonInferenceBackend
from services.supervisor.errors import ChildFailedError
from services.supervisor.triton import TritonUnavailableError

__all__ = ["presets_command"]

REFERENCE = "reference.npz"
# The first run of a batch size compiles for it.
DEADLINE_S = 120.0


def presets_command(
    pack: Annotated[Path, typer.Option("--pack", file_okay=False, help="What `python -m export presets` wrote.")],
    json_path: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
    markdown_path: Annotated[Path | None, typer.Option("--markdown", help="Also write the table for people.")] = None,
    work_dir: Annotated[
        Path | None, typer.Option("--work-dir", file_okay=False, help="Keep Triton's repository and log here.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="CPU threads of one run.")] = 1,
) -> None:
    """Load every small preset in a real Triton and compare its answers with torch's at batches 1, 3 and the largest.

    Exit status 1 when one does not keep its tolerance, 2 when it could not be tried.
    """
    chosen_by_server = preferred_precision(openvino.Core())
    try:
        known = Pack.load(pack)
        known.verify()
        figures = _figures(known, _reference(pack), work_dir, threads, chosen_by_server)
    except (ChildFailedError, ConfigError, PackError, TritonUnavailableError) as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(2) from error
    setting = {"cpu": _cpu(), "arithmetic": chosen_by_server, "server": "Triton, Python backend, OpenVINO"}
    report = json.dumps(report_of(known, figures, setting), indent=1) + "\n"
    for path, text in ((json_path, report), (markdown_path, table_of(known, figures))):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    _show(known, figures)
    if not holds(figures):
        raise typer.Exit(1)


def _figures(
    pack: Pack, reference: Mapping[str, AnyArray], work_dir: Path | None, threads: int, chosen_by_server: str
) -> Figures:
    async def ask(folder: Path) -> Figures:
        async with serving(pack, folder, threads) as address:
            backend = TritonInferenceBackend(address, pack.models, deadline_s=DEADLINE_S)
            try:
                return await compare_served(backend, pack, reference, chosen_by_server)
            finally:
                await backend.aclose()

    if work_dir is not None:
        return asyncio.run(ask(work_dir))
    with tempfile.TemporaryDirectory(prefix="personsearch-presets-") as folder:
        return asyncio.run(ask(Path(folder)))


def _reference(pack: Path) -> dict[str, AnyArray]:
    path = pack / REFERENCE
    if not path.is_file():
        raise PackError(f"no answers of torch at {path}: python -m export presets writes them")
    with np.load(path) as content:
        return dict(content)


def _show(pack: Pack, figures: Figures) -> None:
    table = Table(title="Small presets in Triton, against torch", expand=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows_of(pack, figures):
        table.add_row(*row)
    Console().print(table)


def _cpu() -> str:
    return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"))
