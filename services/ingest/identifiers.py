"""Names that follow from what they name, so that doing the same twice gives the same."""

from __future__ import annotations

import hashlib

__all__ = [
    "QUEUED_CHANNEL",
    "SHUT_KEY",
    "appearance_id_of",
    "changed_channel",
    "crash_key",
    "key_frame_key",
    "lease_name",
    "media_prefix",
    "notes_key",
    "notes_prefix",
    "progress_key",
    "speech_id_of",
    "stop_key",
    "video_id_of",
]

ID_DIGITS = 32
QUEUED_CHANNEL = "ingest:queued"
# There while no video may be begun.
SHUT_KEY = "ingest:shut"


def video_id_of(gallery: str, content_digest: str) -> str:
    """Id of a video: 32 hexadecimal digits of the digest of gallery and content (hex SHA-256)."""
    return _digits(f"{gallery}\0{content_digest}")


def appearance_id_of(video_id: str, shot_start_frame: int, ordinal: int) -> str:
    """Id of a tracklet: the `ordinal`-th of its shot, by first frame, then from left to right."""
    return _digits(f"{video_id}/tracklet/{shot_start_frame}/{ordinal}")


def speech_id_of(video_id: str, shot_start_frame: int, ordinal: int) -> str:
    """Id of speech with nobody on screen, that begins with the `ordinal`-th piece of speech of its shot."""
    return _digits(f"{video_id}/speech/{shot_start_frame}/{ordinal}")


def media_prefix(gallery: str, video_id: str) -> str:
    """Where a video's media lie."""
    return f"{gallery}/{video_id}"


def key_frame_key(gallery: str, video_id: str, appearance_id: str) -> str:
    """Where the key frame of an appearance lies."""
    return f"{media_prefix(gallery, video_id)}/{appearance_id}.jpg"


def notes_prefix(gallery: str, video_id: str) -> str:
    """Where what was heard in a video lies until its speakers are known."""
    return f"{media_prefix(gallery, video_id)}/notes"


def notes_key(gallery: str, video_id: str, generation: int, frame: int) -> str:
    """The note of the stretch of a video that begins at a frame."""
    return f"{notes_prefix(gallery, video_id)}/{generation}-{frame}.npz"


def progress_key(video_id: str) -> str:
    """Where the progress of an ingest is kept."""
    return f"ingest:progress:{video_id}"


def changed_channel(video_id: str) -> str:
    """Where changes of an ingest are told."""
    return f"ingest:changed:{video_id}"


def lease_name(video_id: str) -> str:
    """The lease of whoever works on a video."""
    return f"ingest:lease:{video_id}"


def crash_key(video_id: str) -> str:
    """Where a worker notes that it began, so that its death shows."""
    return f"ingest:begun:{video_id}"


def stop_key(video_id: str) -> str:
    """Where a worker is asked to let a video go."""
    return f"ingest:stop:{video_id}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]
