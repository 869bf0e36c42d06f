"""Voice clips and tasks on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from personsearch.cli.words import seconds_from_clock
from personsearch.query import voice as voice_part
from personsearch.v1 import person_search_service_pb2, query_pb2

__all__ = [
    "NotVoiceOption",
    "TaskName",
    "TaskOption",
    "VoiceOption",
    "VoiceSpanOption",
    "asked_line",
    "task_of",
    "voice_parts",
    "voice_span",
]


class TaskName(StrEnum):
    """What may be asked of a person."""

    SEEN = "seen"
    HEARD = "heard"
    SEEN_AND_HEARD = "seen-and-heard"


TASKS = {
    TaskName.SEEN: query_pb2.TASK_SEEN,
    TaskName.HEARD: query_pb2.TASK_HEARD,
    TaskName.SEEN_AND_HEARD: query_pb2.TASK_SEEN_AND_HEARD,
}
ASKED_WORDS = {
    query_pb2.TASK_SEEN: "where the person is on screen",
    query_pb2.TASK_HEARD: "where the person is heard, on screen or not",
    query_pb2.TASK_SEEN_AND_HEARD: "where the person is on screen and speaks",
}

VoiceOption = Annotated[
    list[Path] | None,
    typer.Option("--voice", exists=True, dir_okay=False, readable=True, help="Sound in which the person speaks."),
]
NotVoiceOption = Annotated[
    list[Path] | None,
    typer.Option("--not-voice", exists=True, dir_okay=False, readable=True, help="Sound of somebody else's voice."),
]
VoiceSpanOption = Annotated[
    str | None,
    typer.Option("--voice-span", metavar="START-END", help="Only this stretch of the voice clip, such as 0:03-0:07.5."),
]
TaskOption = Annotated[
    TaskName | None,
    typer.Option("--task", help="Where the person is seen, or heard. By default seen, and heard for voices alone."),
]


def voice_parts(
    voices: Sequence[Path], not_voices: Sequence[Path], span_s: tuple[float, float] | None
) -> list[query_pb2.QueryPart]:
    """Make the parts of a query from sound files."""
    parts = [voice_part(path, span_s=span_s) for path in voices]
    return parts + [voice_part(path, weight=-1.0) for path in not_voices]


def voice_span(text: str | None, voice_count: int) -> tuple[float, float] | None:
    """Read the stretch of the one clip that it belongs to; raises typer.BadParameter."""
    if text is None:
        return None
    if voice_count != 1:
        raise typer.BadParameter(f"--voice-span belongs to one --voice, got {voice_count}")
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError(f"got {text!r} for a stretch, expected START-END")
        start_s, end_s = seconds_from_clock(start), seconds_from_clock(end)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--voice-span") from error
    if start_s >= end_s:
        raise typer.BadParameter(f"{start} is not before {end}", param_hint="--voice-span")
    return start_s, end_s


def task_of(name: TaskName | None) -> query_pb2.Task.ValueType | None:
    """The task as the contract has it; None leaves it to the service."""
    return None if name is None else TASKS[name]


def asked_line(answer: person_search_service_pb2.SearchResponse) -> str:
    """Say what was answered, of how much speech, where it is not the usual question."""
    asked = ASKED_WORDS.get(answer.task, "")
    if not asked or (answer.task == query_pb2.TASK_SEEN and not answer.voice_speech_s):
        return ""
    heard = ", ".join(f"{seconds:.1f} s" for seconds in answer.voice_speech_s)
    return f"Answered: {asked}" + (f"; speech in the clips: {heard}." if heard else ".")
