"""Errors of the domain: facts and a reason, no transport. `services.runtime.interceptors` maps them to a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reasons of ``personsearch.v1.ErrorReason``, without their prefix; a test keeps the two equal."""

    INVALID_FIELD = "INVALID_FIELD"
    GALLERY_NOT_FOUND = "GALLERY_NOT_FOUND"
    GALLERY_EXISTS = "GALLERY_EXISTS"
    VIDEO_NOT_FOUND = "VIDEO_NOT_FOUND"
    APPEARANCE_NOT_FOUND = "APPEARANCE_NOT_FOUND"
    UNREADABLE_IMAGE = "UNREADABLE_IMAGE"
    NO_FACE = "NO_FACE"
    SEVERAL_FACES = "SEVERAL_FACES"
    OTHER_PACK = "OTHER_PACK"
    UNSUPPORTED_MODALITY = "UNSUPPORTED_MODALITY"
    UNREADABLE_VIDEO = "UNREADABLE_VIDEO"
    OVERLOADED = "OVERLOADED"
    BACKEND_UNAVAILABLE = "BACKEND_UNAVAILABLE"
    INTERNAL = "INTERNAL"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    VIDEO_BUSY = "VIDEO_BUSY"
    UNREADABLE_SOUND = "UNREADABLE_SOUND"
    NO_SPEECH = "NO_SPEECH"
    NO_KNOWN_WORDS = "NO_KNOWN_WORDS"
    IDENTITY_NOT_FOUND = "IDENTITY_NOT_FOUND"
    OPERATION_NOT_FOUND = "OPERATION_NOT_FOUND"
    CONTRADICTION = "CONTRADICTION"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request: its path (``query.parts[0].weight``), and what is wrong with it."""

    field: str
    description: str


class DomainError(Exception):
    """Something that the caller can be told.

    Attributes:
        reason: Which of the published reasons it is.
        facts: What it is about, as the reason's metadata; no secrets and no personal data.
        violations: The wrong fields, when the request is to blame.
    """

    reason: Reason = Reason.INTERNAL

    def __init__(
        self, message: str, facts: Mapping[str, str] | None = None, violations: Sequence[FieldViolation] = ()
    ) -> None:
        super().__init__(message)
        self.facts: Mapping[str, str] = dict(facts or {})
        self.violations = tuple(violations)


class InvalidFieldError(DomainError):
    """A request breaks the rules of its schema."""

    reason = Reason.INVALID_FIELD

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        said = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        super().__init__(f"invalid request: {said}", violations=violations)


class GalleryNotFoundError(DomainError):
    """There is no such gallery."""

    reason = Reason.GALLERY_NOT_FOUND

    def __init__(self, gallery: str) -> None:
        super().__init__(f"there is no gallery {gallery!r}; create it first", {"gallery": gallery})


class GalleryExistsError(DomainError):
    """A gallery of that name is there already."""

    reason = Reason.GALLERY_EXISTS

    def __init__(self, gallery: str) -> None:
        super().__init__(f"gallery {gallery!r} is there already", {"gallery": gallery})


class VideoNotFoundError(DomainError):
    """The video is not in that gallery."""

    reason = Reason.VIDEO_NOT_FOUND

    def __init__(self, gallery: str, video_id: str) -> None:
        facts = {"gallery": gallery, "video_id": video_id}
        super().__init__(f"gallery {gallery!r} has no video {video_id}", facts)


class AppearanceNotFoundError(DomainError):
    """The appearance is not in that gallery."""

    reason = Reason.APPEARANCE_NOT_FOUND

    def __init__(self, gallery: str, appearance_id: str) -> None:
        facts = {"gallery": gallery, "appearance_id": appearance_id}
        super().__init__(f"gallery {gallery!r} has no appearance {appearance_id}", facts)


class IdentityNotFoundError(DomainError):
    """The identity is not in that gallery."""

    reason = Reason.IDENTITY_NOT_FOUND

    def __init__(self, gallery: str, identity_id: str) -> None:
        facts = {"gallery": gallery, "identity_id": identity_id}
        super().__init__(f"gallery {gallery!r} has no identity {identity_id}", facts)


class OperationNotFoundError(DomainError):
    """The gallery's log has no operation of that number."""

    reason = Reason.OPERATION_NOT_FOUND

    def __init__(self, gallery: str, number: int) -> None:
        facts = {"gallery": gallery, "number": str(number)}
        super().__init__(f"the log of gallery {gallery!r} has no operation {number}", facts)


class ContradictionError(DomainError):
    """What is said of some appearances cannot be."""

    reason = Reason.CONTRADICTION

    def __init__(self, why: str, appearance_ids: Sequence[str]) -> None:
        super().__init__(f"this cannot be: {why}", {"appearance_ids": ",".join(appearance_ids)})


class UnreadableImageError(DomainError):
    """A picture cannot be read, or is too large."""

    reason = Reason.UNREADABLE_IMAGE

    def __init__(self, *, got: str, expected: str) -> None:
        super().__init__(f"cannot use this picture: got {got}, expected {expected}", {"got": got, "expected": expected})


class NoFaceError(DomainError):
    """No face was found in a portrait."""

    reason = Reason.NO_FACE

    def __init__(self, part_index: int) -> None:
        said = f"no face was found in the portrait of part {part_index}; give a picture with a larger face"
        super().__init__(said, {"part_index": str(part_index)})


class SeveralFacesError(DomainError):
    """A portrait shows several faces and none was picked. Boxes are (x_min, y_min, x_max, y_max) in fractions."""

    reason = Reason.SEVERAL_FACES

    def __init__(self, part_index: int, faces: Sequence[tuple[float, float, float, float]]) -> None:
        said = f"the portrait of part {part_index} shows {len(faces)} faces; set `face` to the box of one of them"
        listed = ";".join(",".join(f"{value:.5f}" for value in face) for face in faces)
        super().__init__(said, {"part_index": str(part_index), "faces": listed})


class OtherPackError(DomainError):
    """An embedding was made by another pack."""

    reason = Reason.OTHER_PACK

    def __init__(self, *, got: str, expected: str) -> None:
        said = f"the embedding was made by pack {got[:12]}, this server runs {expected[:12]}: embed it again"
        super().__init__(said, {"got": got, "expected": expected})


class UnsupportedModalityError(DomainError):
    """The active pack cannot use the modality, or the vector's length is not the modality's."""

    reason = Reason.UNSUPPORTED_MODALITY

    def __init__(self, modality: str, why: str) -> None:
        super().__init__(f"modality {modality}: {why}", {"modality": modality.upper()})


class UnreadableVideoError(DomainError):
    """A file cannot be read as a video."""

    reason = Reason.UNREADABLE_VIDEO

    def __init__(self, source_uri: str, why: str) -> None:
        super().__init__(f"cannot read {source_uri} as a video: {why}", {"source_uri": source_uri})


class OverloadedError(DomainError):
    """Too much is asked at once."""

    reason = Reason.OVERLOADED

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is busy; try again later", {"what": what})


class BackendUnavailableError(DomainError):
    """A back end (``milvus``, ``redis``, ``inference``, ``media``) does not answer."""

    reason = Reason.BACKEND_UNAVAILABLE

    def __init__(self, backend: str, why: str) -> None:
        super().__init__(f"cannot use {backend}: {why}", {"backend": backend})


class UnimplementedError(DomainError):
    """The contract has it, this version does not."""

    reason = Reason.UNIMPLEMENTED

    def __init__(self, what: str) -> None:
        super().__init__(f"this version cannot do {what} yet", {"what": what})


class VideoBusyError(DomainError):
    """The video is being ingested or deleted by another call."""

    reason = Reason.VIDEO_BUSY

    def __init__(self, video_id: str) -> None:
        said = f"video {video_id} is being ingested or deleted by another call; try again when that is done"
        super().__init__(said, {"video_id": video_id})


class UnreadableSoundError(DomainError):
    """The sound of a voice clip cannot be read, is of another format, or is too large."""

    reason = Reason.UNREADABLE_SOUND

    def __init__(self, *, got: str, expected: str) -> None:
        super().__init__(f"cannot use this sound: got {got}, expected {expected}", {"got": got, "expected": expected})


class NoSpeechError(DomainError):
    """Too little speech was heard in a voice clip."""

    reason = Reason.NO_SPEECH

    def __init__(self, part_index: int, *, heard_s: float, least_s: float) -> None:
        said = (
            f"{heard_s:.2f} s of speech were heard in the voice clip of part {part_index}, expected at least "
            f"{least_s:.2f} s; give a clip, or a span of it, in which the person speaks"
        )
        facts = {"part_index": str(part_index), "speech_s": f"{heard_s:.2f}", "expected_s": f"{least_s:.2f}"}
        super().__init__(said, facts)


class NoKnownWordsError(DomainError):
    """No word of a text says anything about looks that the pack knows."""

    reason = Reason.NO_KNOWN_WORDS

    def __init__(self, part_index: int, *, unknown: Sequence[str], examples: Sequence[str]) -> None:
        got = f"the pack does not know {', '.join(unknown)}" if unknown else "it has no words"
        said = (
            f"the text of part {part_index} says nothing about looks that can be searched for: {got}; say what is worn "
            f"and what colour it is, in words such as {', '.join(examples)}"
        )
        facts = {"part_index": str(part_index)}
        super().__init__(said, facts | {"unknown_words": ", ".join(unknown), "known_words": ", ".join(examples)})
