"""`personsearch search` and `personsearch track`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personsearch.cli.faces import FaceChoice, ask_with_face
from personsearch.cli.failures import call
from personsearch.cli.json_view import print_json, search_view, track_view
from personsearch.cli.options import GalleryOption, JsonOption
from personsearch.cli.tables import degraded_line, hit_table, track_table
from personsearch.cli.texts import NotTextOption, TextOption, text_parts, unknown_line
from personsearch.cli.voices import (
    NotVoiceOption,
    TaskOption,
    VoiceOption,
    VoiceSpanOption,
    asked_line,
    task_of,
    voice_parts,
)
from personsearch.cli.voices import voice_span as parse_voice_span
from personsearch.cli.words import file_name, seconds_from_clock
from personsearch.client import DEFAULT_GALLERY, PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import like as like_part
from personsearch.query import portrait as portrait_part
from personsearch.query import unlike as unlike_part
from personsearch.v1 import geometry_pb2, person_search_service_pb2, query_pb2

__all__ = ["search", "track"]

VideoNames = dict[str, str]

# The end of a stretch that has none: longer than any video, and finite as the contract wants it.
OPEN_END_S = 1e9

PortraitOption = Annotated[
    list[Path] | None,
    typer.Option("--portrait", "-p", exists=True, dir_okay=False, readable=True, help="Picture of the person's face."),
]
LikeOption = Annotated[list[str] | None, typer.Option("--like", help="Id of an appearance of the same person.")]
UnlikeOption = Annotated[list[str] | None, typer.Option("--not-like", help="Id of an appearance of somebody else.")]
FaceOption = Annotated[
    str | None,
    typer.Option("--face", help="Which face of the portrait: its number, or x_min,y_min,x_max,y_max in fractions."),
]
VideoOption = Annotated[list[str] | None, typer.Option("--video", help="Only this video.")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Only from this time of the video on: s, m:ss, h:mm:ss.")
]
ToOption = Annotated[str | None, typer.Option("--to", help="Only before this time of the video.")]
MinScoreOption = Annotated[
    float | None, typer.Option("--min-score", min=0, max=1, help="Only hits this likely, 0 to 1.")
]
TopKOption = Annotated[int, typer.Option("--top-k", "-k", min=1, max=1000, help="At most this many hits.")]
NoExpandOption = Annotated[bool, typer.Option("--no-expand", help="Only direct matches, no associations.")]


def search(
    portrait: PortraitOption = None,
    like: LikeOption = None,
    not_like: UnlikeOption = None,
    voice: VoiceOption = None,
    not_voice: NotVoiceOption = None,
    voice_span: VoiceSpanOption = None,
    text: TextOption = None,
    not_text: NotTextOption = None,
    task: TaskOption = None,
    face: FaceOption = None,
    gallery: GalleryOption = DEFAULT_GALLERY,
    video: VideoOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    min_score: MinScoreOption = None,
    top_k: TopKOption = 50,
    no_expand: NoExpandOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find every appearance of a person, by portrait, voice, description, a hit already found, or all of them.

    With nothing but voices it finds where the person is heard, on screen or off; else where they are on screen. --task
    asks for the other, or for both at once.
    """
    portraits, likes, voices = portrait or [], like or [], voice or []
    if not (portraits or likes or voices or text):
        raise typer.BadParameter("say who: --portrait FILE, --voice FILE, --text DESCRIPTION or --like APPEARANCE_ID")
    told = text_parts(text or [], not_text or [])
    sounds = voice_parts(voices, not_voice or [], parse_voice_span(voice_span, len(voices)))
    choice = _face_choice(face, len(portraits))
    time_range_s = _time_range(from_, to)

    async def ask(client: PersonSearchClient) -> tuple[person_search_service_pb2.SearchResponse, VideoNames]:
        async def ask_for(box: geometry_pb2.Box | None) -> person_search_service_pb2.SearchResponse:
            return await client.search(
                [*_parts(portraits, likes, not_like or [], box), *sounds, *told],
                gallery=gallery,
                video_ids=video or [],
                time_range_s=time_range_s,
                min_score=min_score,
                top_k=top_k,
                expand=not no_expand,
                task=task_of(task),
            )

        answer = await ask_with_face(ask_for, choice)
        return answer, {} if as_json else await _video_names(client, gallery)

    answer, names = call(ask, as_json=as_json)
    if as_json:
        print_json(search_view(answer))
        return
    console = Console()
    if asked := asked_line(answer):
        console.print(asked, style="dim")
    if unknown := unknown_line(answer):
        console.print(unknown, style="yellow", highlight=False)
    console.print(hit_table(answer.hits, names) if answer.hits else "Nobody like that was found.")
    if answer.degraded:
        console.print(degraded_line(answer.degraded), style="yellow")


def track(
    appearance_id: Annotated[str, typer.Argument(help="Where to start: the id of an appearance, as search prints it.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    min_score: MinScoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the person of one appearance through the gallery, in order of time."""

    async def ask(client: PersonSearchClient) -> tuple[person_search_service_pb2.GetTrackResponse, VideoNames]:
        answer = await client.get_track(appearance_id, gallery=gallery, min_score=min_score)
        return answer, {} if as_json else await _video_names(client, gallery)

    answer, names = call(ask, as_json=as_json)
    if as_json:
        print_json(track_view(answer))
        return
    console = Console()
    console.print(track_table(answer.spans, names) if answer.spans else "The person appears nowhere else.")
    if answer.degraded:
        console.print(degraded_line(answer.degraded), style="yellow")


def _parts(
    portraits: Sequence[Path], likes: Sequence[str], unlikes: Sequence[str], face: geometry_pb2.Box | None
) -> list[query_pb2.QueryPart]:
    parts = [portrait_part(path, face=face) for path in portraits]
    parts += [like_part(appearance_id) for appearance_id in likes]
    return parts + [unlike_part(appearance_id) for appearance_id in unlikes]


def _face_choice(text: str | None, portrait_count: int) -> FaceChoice:
    if text is None:
        return FaceChoice()
    if portrait_count != 1:
        raise typer.BadParameter(f"--face belongs to one --portrait, got {portrait_count}")
    try:
        return FaceChoice.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--face") from error


def _time_range(start: str | None, end: str | None) -> tuple[float, float] | None:
    if start is None and end is None:
        return None
    try:
        start_s = seconds_from_clock(start) if start is not None else 0.0
        end_s = seconds_from_clock(end) if end is not None else OPEN_END_S
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from, --to") from error
    if start_s >= end_s:
        raise typer.BadParameter(f"--from {start} is not before --to {end}")
    return start_s, end_s


async def _video_names(client: PersonSearchClient, gallery: str) -> VideoNames:
    """Map video ids to file names for the table; without the ingest service the table shows ids."""
    try:
        videos = await client.list_videos(gallery=gallery)
    except PersonSearchError:
        return {}
    return {video.video_id: file_name(video.source_uri) for video in videos}
