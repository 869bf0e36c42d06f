"""A portrait to its face, and a voice clip to its voice: decoding and the networks, one after the other."""

from __future__ import annotations

from services.search.faces import Face, FaceFinder
from services.search.query import Portrait, VoiceClip
from services.search.query_reading import PictureReader
from services.search.sound_reading import SoundReader
from services.search.voices import Voice, VoiceFinder


class PortraitReader:
    """Reads portraits."""

    def __init__(self, pictures: PictureReader, faces: FaceFinder) -> None:
        self._pictures = pictures
        self._faces = faces

    async def read(self, part_index: int, portrait: Portrait) -> Face:
        """The face that is meant. Raises UnreadableImageError, NoFaceError or SeveralFacesError."""
        return await self._faces.find(part_index, await self._pictures.read(portrait.image), portrait.face)


class ClipReader:
    """Reads voice clips."""

    def __init__(self, sounds: SoundReader, voices: VoiceFinder) -> None:
        self._sounds = sounds
        self._voices = voices

    @property
    def can_hear(self) -> bool:
        """Whether the pack has what it takes; without, nothing can be read."""
        return self._voices.can_hear

    async def read(self, part_index: int, clip: VoiceClip) -> Voice:
        """The voice that is heard. Raises UnreadableSoundError or NoSpeechError."""
        return await self._voices.find(part_index, await self._sounds.read(clip.sound, clip.span))
