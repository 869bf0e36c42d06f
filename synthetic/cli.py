"""The command line of SynthCast."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from synthetic.sound.commands import sound_sample, voices

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="SynthCast: films and frames of parametric people, with ground truth.",
)

app.command()(voices)
app.command()(sound_sample)


@app.callback()
def main() -> None:
    """Draw people who never lived."""


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


@app.command()
def frames(
    seed: Annotated[int, typer.Option(help="Seed of the cast and of the frames.")],
    identities: Annotated[int, typer.Option(min=2, help="People in the cast.")],
    frames: Annotated[int, typer.Option(min=1, help="Frames to draw.")],
    out: Annotated[Path, typer.Option(help="Folder to write (resumed when partly done).")],
    people_min: Annotated[int, typer.Option(min=1, max=10)] = 2,
    people_max: Annotated[int, typer.Option(min=1, max=10, help="Most in a frame; above 6: crowds.")] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Write training data: frames in scenes of five, boxes and crops, in shards."""
    from synthetic.frames import FramesJob, write_frames

    if people_max < people_min or identities < people_max:
        raise typer.BadParameter(
            f"need people_min <= people_max <= identities, got {people_min}, {people_max}, {identities}"
        )
    job = FramesJob(seed, identities, frames, people_min, people_max, out)
    with _bar() as bar:
        task = bar.add_task("shards", total=job.shards())
        for _ in write_frames(job, workers):
            bar.advance(task)
    typer.echo(f"{job.frames} frames of {job.identities} people in {out}")


@app.command()
def descriptions(
    frames: Annotated[Path, typer.Argument(help="Folder of finished frames; descriptions.json is written there.")],
    rounds: Annotated[int, typer.Option(min=1, help="Sets of four sentences for each person in each outfit.")] = 4,
) -> None:
    """Describe the people of a finished set of frames, to train and test search by words."""
    from synthetic.descriptions import DescriptionsError, write_descriptions

    try:
        people, sentences = write_descriptions(frames, rounds)
    except DescriptionsError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{sentences} sentences about {people} people in their outfits in {frames}")


@app.command()
def closeups(
    seed: Annotated[int, typer.Option(help="Seed of the cast; its people are strangers to every other seed.")],
    identities: Annotated[int, typer.Option(min=2, help="People.")],
    out: Annotated[Path, typer.Option(help="Folder to write (resumed when partly done).")],
    views: Annotated[int, typer.Option(min=1, max=64, help="Pictures of each person.")] = 8,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Write training data for faces: single heads of many people, in shards."""
    from synthetic.closeups import CloseupsJob, write_closeups

    job = CloseupsJob(seed, identities, views, out)
    with _bar() as bar:
        task = bar.add_task("shards", total=job.shards())
        for _ in write_closeups(job, workers):
            bar.advance(task)
    typer.echo(f"{job.views} closeups of each of {job.identities} people in {out}")


@app.command()
def render(
    seed: Annotated[int, typer.Option(help="Seed of the film: scenes, clothes, light, sound.")],
    identities: Annotated[int, typer.Option(min=2, help="People in the film.")],
    minutes: Annotated[float, typer.Option(min=0.04, help="Length.")],
    out: Annotated[Path, typer.Option(help="Folder to write (resumed when partly done).")],
    cast_seed: Annotated[
        int | None, typer.Option(help="Seed of the cast; films with the same one share people. Default: --seed.")
    ] = None,
    cameras: Annotated[
        int, typer.Option(min=0, help="Film a site with so many fixed cameras instead: OUT/cam0, OUT/cam1, ...")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Render a film with sound, ground truth, and portraits, voices and descriptions to search with."""
    from synthetic.film.render import render_film
    from synthetic.film.script import FilmSpec
    from synthetic.film.surveil import render_site

    spec = FilmSpec(seed, seed if cast_seed is None else cast_seed, identities, minutes)
    with _bar() as bar:
        task = bar.add_task("frames", total=spec.frames * max(cameras, 1))

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        truths = render_site(spec, cameras, out, workers, show) if cameras else [render_film(spec, out, workers, show)]
    for truth in truths:
        typer.echo(f"{truth.parent / 'film.mp4'} with its truth in {truth}")


@app.command()
def sheet(
    films: Annotated[list[Path], typer.Argument(help="Folders of finished films.")],
    out: Annotated[Path, typer.Option(help="JPEG to write.")] = Path("docs/media/contact_sheet.jpg"),
) -> None:
    """Draw a contact sheet of films: all kinds of shots, some with the boxes of the truth."""
    from synthetic.film.sheet import write_sheet

    picks = write_sheet(films, out)
    typer.echo(f"{len(picks)} frames in {out}")
