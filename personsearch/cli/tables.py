"""Answers as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from personsearch.cli.json_view import state_name
from personsearch.cli.words import clock, evidence_in_words, file_name, percent, shares_in_words, span, speech_in_words
from personsearch.v1 import gallery_pb2, hit_pb2, ingest_service_pb2, person_search_service_pb2, video_pb2

__all__ = [
    "degraded_line",
    "gallery_table",
    "hit_table",
    "receipt_table",
    "track_table",
    "video_table",
]

DEGRADED_WORDS = {
    person_search_service_pb2.DEGRADATION_ASSOCIATIONS: "the associations did not answer: only direct matches",
    person_search_service_pb2.DEGRADATION_INDEX_LOADING: "the index is still loading: something was not searched",
    person_search_service_pb2.DEGRADATION_FUSION: "fusion did not answer: the strongest modality decided",
}
SHORT_ID_DIGITS, FULL_ID_DIGITS = 8, 32
MAX_NAME_WIDTH = 20
LIKELY = 0.5
UNLIKELY_SHOWN = 5


def hit_table(hits: Sequence[hit_pb2.Hit], video_names: Mapping[str, str]) -> Table:
    """List hits, best first, with why; ids are whole, since they are what `--like` and `track` take.

    Of the hits that are less likely than not only the best few are shown, dimmed.
    """
    likely = sum(hit.score >= LIKELY for hit in hits)
    shown = hits[: likely + UNLIKELY_SHOWN]
    table = Table(box=None, pad_edge=False)
    for name in ("#", "when", "score"):
        table.add_column(name, no_wrap=True, justify="right" if name != "when" else "left")
    table.add_column("video", no_wrap=True, overflow="ellipsis", max_width=MAX_NAME_WIDTH)
    table.add_column("appearance, and how it was found", overflow="fold", min_width=FULL_ID_DIGITS)
    for number, hit in enumerate(shown, start=1):
        table.add_row(str(number), *_hit_cells(hit, video_names), style=None if hit.score >= LIKELY else "dim")
    if len(hits) > len(shown):
        table.add_row("", "", "", "", f"... and {len(hits) - len(shown)} less likely ones; --json has them all")
    return table


def track_table(spans: Iterable[person_search_service_pb2.TrackSpan], video_names: Mapping[str, str]) -> Table:
    """List the stretches of a track in order of time."""
    table = Table("when", "video", "score", "appearances", box=None, pad_edge=False)
    for stretch in spans:
        best = max((hit.score for hit in stretch.hits), default=0.0)
        ids = "\n".join(hit.appearance.appearance_id for hit in stretch.hits)
        table.add_row(span(stretch.span), _video_name(stretch.video_id, video_names), percent(best), ids)
    return table


def video_table(videos: Iterable[video_pb2.Video]) -> Table:
    """List videos with how far they are."""
    table = Table("video", "file", "length", "state", "people seen", box=None, pad_edge=False)
    for video in videos:
        length = clock(video.duration_s) if video.duration_s else "?"
        table.add_row(video.video_id, file_name(video.source_uri), length, _state(video), str(video.appearance_count))
    return table


def gallery_table(galleries: Iterable[gallery_pb2.Gallery]) -> Table:
    """List galleries with how many videos they hold."""
    table = Table("gallery", "videos", "created", box=None, pad_edge=False)
    for gallery in galleries:
        created = (
            gallery.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M UTC") if gallery.create_time.seconds else "?"
        )
        table.add_row(gallery.name, str(gallery.video_count), created)
    return table


def receipt_table(receipts: Iterable[ingest_service_pb2.StoreReceipt]) -> Table:
    """List what each store deleted and what a fresh look still finds."""
    table = Table("store", "deleted", "still there", box=None, pad_edge=False)
    for receipt in receipts:
        table.add_row(receipt.store, str(receipt.deleted), str(receipt.remaining))
    return table


def degraded_line(degraded: Iterable[person_search_service_pb2.Degradation.ValueType]) -> str:
    """Say what an answer had to do without."""
    return "This answer may lack hits: " + "; ".join(DEGRADED_WORDS.get(value, str(value)) for value in degraded)


def _hit_cells(hit: hit_pb2.Hit, video_names: Mapping[str, str]) -> tuple[str, ...]:
    appearance = hit.appearance
    details = (
        speech_in_words(appearance),
        f"{shares_in_words(hit.shares)}: {evidence_in_words(hit.evidence)}",
    )
    return (
        span(appearance.span),
        percent(hit.score),
        _video_name(appearance.video_id, video_names),
        "\n".join([f"{appearance.appearance_id}{_who(hit)}", *(f"[dim]{detail}[/]" for detail in details if detail)]),
    )


def _who(hit: hit_pb2.Hit) -> str:
    """The name of the person, where somebody gave one."""
    return f" [bold]{escape(hit.identity.name)}[/]" if hit.identity.name else ""


def _video_name(video_id: str, names: Mapping[str, str]) -> str:
    return names.get(video_id, video_id[:SHORT_ID_DIGITS])


def _state(video: video_pb2.Video) -> str:
    name = state_name(video.state)
    if video.state == video_pb2.VIDEO_STATE_INGESTING and video.duration_s:
        return f"{name} {percent(video.committed_s / video.duration_s)}"
    if video.state == video_pb2.VIDEO_STATE_FAILED:
        return f"{name}: {video.failure_reason}"
    return name
