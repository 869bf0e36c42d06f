"""The commands of SynthCast that make sound only."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def voices(
    seed: Annotated[int, typer.Option(help="Seed of the cast and of the clips.")],
    identities: Annotated[int, typer.Option(min=2, help="People in the cast; here all of them speak.")],
    clips: Annotated[int, typer.Option(min=6, help="Clips in all; each sixth is wordless.")],
    out: Annotated[Path, typer.Option(help="Folder to write (resumed when partly done).")],
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Write voices to train on: clips as heard in films, with who speaks and where speech is, in shards."""
    from synthetic.sound.dataset import VoicesJob, write_voices

    job = VoicesJob(seed, identities, clips, out)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("shards", total=job.shards())
        for _ in write_voices(job, workers):
            bar.advance(task)
    typer.echo(f"{job.clips} clips of {job.identities} people in {out}")


def sound_sample(
    seed: Annotated[int, typer.Option(help="Seed of the film and of its cast.")],
    out: Annotated[Path, typer.Option(help="The MP3 file to write.")],
    identities: Annotated[int, typer.Option(min=2, help="People in the film.")] = 12,
    minutes: Annotated[float, typer.Option(min=0.5, help="Length of the film.")] = 3.0,
) -> None:
    """Write about twelve seconds of a film's sound (two voices and music) without drawing the film."""
    from synthetic.film.script import FilmSpec, write_script
    from synthetic.sound.sample import write_sample
    from synthetic.sound.scene import schedule_speech

    script = write_script(FilmSpec(seed, seed, identities, minutes))
    start, end = write_sample(script, schedule_speech(script), out)
    typer.echo(f"{out}: {start:.1f} to {end:.1f} s of the film of seed {seed}")
