"""`personsearch ingest`: queue files, then show how far they are."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from personsearch.cli.failures import Exit, call, report
from personsearch.cli.json_view import print_json, video_view
from personsearch.cli.options import GalleryOption, JsonOption
from personsearch.client import DEFAULT_GALLERY, PersonSearchClient
from personsearch.errors import PersonSearchError, UnreachableError
from personsearch.v1 import ingest_service_pb2, video_pb2

__all__ = ["ingest"]

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True, help="Video files.")
]
SiteOption = Annotated[
    str | None, typer.Option(help="The site of the camera: body evidence holds between its cameras.")
]
CameraOption = Annotated[str | None, typer.Option("--camera", help="The camera that recorded them.")]
RecordedOption = Annotated[
    dt.datetime | None,
    typer.Option("--recorded-at", help="When the first frame was recorded, in UTC.", formats=["%Y-%m-%dT%H:%M:%S"]),
]
NoWaitOption = Annotated[bool, typer.Option("--no-wait", help="Queue the files and return at once.")]


def ingest(
    files: FilesArgument,
    gallery: GalleryOption = DEFAULT_GALLERY,
    site: SiteOption = None,
    camera: CameraOption = None,
    recorded_at: RecordedOption = None,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take video files into a gallery; a file that is there already costs nothing. Ctrl-C leaves the ingest running."""
    recorded = recorded_at.replace(tzinfo=dt.UTC) if recorded_at else None

    async def act(client: PersonSearchClient) -> tuple[list[video_pb2.Video], int]:
        videos, refused = await _queue(client, files, gallery, camera, site, recorded, as_json=as_json)
        if not no_wait:
            videos = await _watch_all(client, videos, gallery, quiet=as_json)
        return videos, refused

    try:
        videos, refused = call(act, as_json=as_json)
    except KeyboardInterrupt:
        typer.echo("The ingest goes on in the background; `personsearch videos` shows how far it is.", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None
    failed = [video for video in videos if video.state == video_pb2.VIDEO_STATE_FAILED]
    if as_json:
        print_json({"videos": [video_view(video) for video in videos]})
    else:
        _tell(videos)
    if failed or refused:
        raise typer.Exit(Exit.REFUSED)


async def _queue(
    client: PersonSearchClient,
    files: Sequence[Path],
    gallery: str,
    camera: str | None,
    site: str | None,
    recorded_at: dt.datetime | None,
    *,
    as_json: bool,
) -> tuple[list[video_pb2.Video], int]:
    """Queue the files in order; one that is refused is reported and does not stop the others."""
    videos: list[video_pb2.Video] = []
    refused = 0
    for file in files:
        try:
            video = await client.ingest(file, gallery=gallery, camera_id=camera, site=site, recorded_at=recorded_at)
        except UnreachableError:
            raise
        except PersonSearchError as error:
            refused += 1
            report(error, as_json=as_json)
        else:
            videos.append(video)
    return videos, refused


async def _watch_all(
    client: PersonSearchClient, videos: Sequence[video_pb2.Video], gallery: str, *, quiet: bool
) -> list[video_pb2.Video]:
    """Watch all videos at once, with a bar for each; returns them as they end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        return list(await asyncio.gather(*(_watch(client, video, gallery, bars) for video in videos)))


async def _watch(client: PersonSearchClient, video: video_pb2.Video, gallery: str, bars: Progress) -> video_pb2.Video:
    task = bars.add_task(Path(video.source_uri).name, total=video.duration_s or None, facts="queued")
    async for progress in client.watch_ingest(video.video_id, gallery=gallery):
        video = progress.video
        analysed_s = max(progress.analysed_s, video.committed_s)
        bars.update(task, total=video.duration_s or None, completed=analysed_s, facts=_facts(progress))
    return video


def _facts(progress: ingest_service_pb2.WatchIngestResponse) -> str:
    video = progress.video
    if video.state == video_pb2.VIDEO_STATE_QUEUED:
        return "queued"
    if video.state == video_pb2.VIDEO_STATE_FAILED:
        return "failed"
    speed = f", {progress.speed:.1f} x real time" if progress.HasField("speed") else ""
    return f"{video.appearance_count} appearances{speed}"


def _tell(videos: Sequence[video_pb2.Video]) -> None:
    """Print one line for each video, with its id, which `search --video` and `delete` take."""
    for video in videos:
        name = Path(video.source_uri).name
        if video.state == video_pb2.VIDEO_STATE_FAILED:
            typer.secho(f"error: {name}: {video.failure_reason}", err=True, fg="red")
        elif video.state == video_pb2.VIDEO_STATE_READY:
            typer.echo(f"{video.video_id}  {name}: ready, {video.appearance_count} appearances")
        else:
            typer.echo(f"{video.video_id}  {name}: queued")
