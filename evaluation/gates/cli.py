"""`python -m evaluation gates`: measures how hard the world is, and fails when it is too easy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def gates_command(
    out: Annotated[Path, typer.Option(help="File for the figures; synthetic/world.json freezes the world.")],
    work: Annotated[Path, typer.Option(file_okay=False, help="Where samples are rendered.")] = Path("build/world"),
    frames: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Frames that are there.")] = None,
    voices: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Voices that are there.")] = None,
    films: Annotated[
        list[Path] | None, typer.Option(exists=True, file_okay=False, help="A film that is there; may be repeated.")
    ] = None,
    pack: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Also ask its encoders.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
) -> None:
    """Measure the world on people that no network has seen; ends with 1, naming the gate, when one breaks.

    What is not given is rendered: 300 frames, 600 clips and two films of two minutes. A killed run goes on.
    """
    # Late, so that `--help` of the other commands does not wait for the renderer.
    from evaluation.gates.measure import Measured, table
    from evaluation.gates.rendering import Rendering
    from evaluation.gates.running import measure_world

    rendering = Rendering(work, workers, lambda line: typer.echo(line, err=True))
    measured: Measured = measure_world(rendering, out, frames, voices, films, pack)
    typer.echo("\n".join(table(measured)))
    for line in measured.broken:
        typer.secho(f"gate broken: {line}", err=True, fg="red")
    if measured.broken:
        raise typer.Exit(1)
