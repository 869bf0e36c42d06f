"""The stages at work together: while one shot is encoded and written, the next is already being decoded.

When all shots are written, one last stage looks over the whole film at who speaks (`revise`).

Between two stages stands a short queue, so that memory stays bounded by what the queues can hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from packs.calibration import Calibration
from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Video
from services.ingest.pipeline.appearances import FinishedAppearance, appearances_of
from services.ingest.pipeline.clothes import Clothes
from services.ingest.pipeline.decode import VideoFile
from services.ingest.pipeline.encode import Vision, encode, reads_bodies, share_bodies
from services.ingest.pipeline.film_speakers import choose_over_film
from services.ingest.pipeline.hear import Hearing, Watching, hear
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.notes import NotesStore
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.revise import Reviser
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shot_speech import ShotSpeech
from services.ingest.pipeline.shots import read_chunks
from services.ingest.pipeline.spoken import shared_out
from services.ingest.pipeline.track_shots import ShotTracker
from services.ingest.pipeline.values import Chunk, Fragment, Position, Shot, Sighted
from services.ingest.pipeline.write import Writer

__all__ = ["Observer", "Pipeline"]

# How many chunks, detected chunks and finished shots may wait for the next stage.
CHUNKS_AHEAD, DETECTED_AHEAD, SHOTS_AHEAD = 2, 1, 2


class Observer:
    """Is told how an ingest goes; does nothing itself."""

    async def started(self, video: Video) -> None:
        """The file is open and the row says INGESTING."""

    async def analysed(self, video: Video, time_s: float) -> None:
        """Frames before a time have been analysed."""

    async def committed(self, video: Video) -> None:
        """The checkpoint moved."""


class Pipeline:
    """Ingests videos, one at a time for each call of `run`.

    Args:
        vision: The networks of pictures.
        hearing: Those of sound; when they cannot hear, sound is left out.
        watching: That of faces with sound; where there is none, mouths are read without.
        modalities: Those that the pack can embed.
        calibration: What the pack's cosines mean.
        index: The record.
        media: Where key frames go.
        settings: How.
    """

    def __init__(
        self,
        *,
        vision: Vision,
        hearing: Hearing,
        watching: Watching,
        modalities: Sequence[Modality],
        calibration: Mapping[Modality, Calibration],
        index: VectorIndex,
        media: MediaStore,
        settings: PipelineSettings,
    ) -> None:
        self._vision = vision
        self._hearing, self._watching = hearing, watching
        self._reader = MouthReader.load()
        self._of_bodies = reads_bodies(vision, modalities)
        self._cut = [one for one in modalities if not (self._of_bodies and one is Modality.TEXT)]
        self._calibration = calibration
        self._index = index
        self._media = media
        self._settings = settings
        self._clothes = Clothes(vision, modalities, calibration, settings.tracker.evidence_share)

    async def run(
        self, video: Video, path: Path, *, still_ours: Callable[[], Awaitable[None]], observer: Observer
    ) -> Video:
        """Ingest a video from its checkpoint to its end; return its row, which is ready.

        Args:
            video: Its row.
            path: The file.
            still_ours: Raises when the video must be let go.
            observer: Is told how it goes.

        Raises:
            UnreadableFileError: If the file is no video.
            IncompleteIndexError: If the index lost something on the way.
        """
        threads = self._settings.decode.threads
        async with _opened(path, threads, self._hearing.can_hear) as (file, decoder):
            notes = NotesStore(self._media)
            writer = Writer(self._index, self._media, notes, still_ours)
            started = await writer.begin(_described(video, file))
            await observer.started(started)
            run = _Run(self, started, file, decoder, writer, observer)
            written = await run.to_the_end()
            reviser = Reviser(self._index, notes, self._calibration, self._settings, still_ours)
            return await writer.complete(await reviser.revise(written), file.damage)

    async def detect(self, chunk: Chunk) -> Sighted:
        """Find the people in a chunk's frames, and look at what they wear."""
        scores = self._settings.tracker
        images = [frame.image for frame in chunk.frames]
        thresholds = (scores.face_score, scores.head_score, scores.low_score)
        detected = await self._vision.detect(images, thresholds=thresholds) if images else []
        return Sighted(chunk, detected, await self._clothes.look(chunk.frames, detected))

    async def encode(self, video: Video, shot: Shot) -> FinishedShot:
        """Embed the people of a shot, join their fragments, and give them what they say as far as the shot knows."""
        if self._of_bodies:
            share_bodies(shot.fragments)
        await encode(self._vision, shot.fragments)
        people = await asyncio.to_thread(Relinker(self._calibration, self._settings.relink).relink, shot)
        heard = await hear(self._hearing, self._watching, shot, people, self._reader, self._settings)
        return await asyncio.to_thread(self._finished, video, shot, people, heard)

    def _finished(self, video: Video, shot: Shot, people: Sequence[Fragment], heard: ShotSpeech | None) -> FinishedShot:
        keys = self._settings.observations
        if heard is None:
            return FinishedShot(shot, appearances_of(video, shot, people, keys), None)
        (choices,) = choose_over_film([heard], self._calibration, self._settings.speakers)
        spoken, alone = shared_out(heard, choices, self._settings)
        return FinishedShot(shot, appearances_of(video, shot, people, keys, spoken, alone), heard)

    def tracker(self, frame_s: float) -> ShotTracker:
        """Who follows people through one film."""
        return ShotTracker(self._vision.crop, self._cut, frame_s, self._settings, self._clothes.alike)

    @property
    def can_hear(self) -> bool:
        """Whether it listens to the sound."""
        return self._hearing.can_hear

    @property
    def settings(self) -> PipelineSettings:
        """How it works."""
        return self._settings


@dataclass(frozen=True, slots=True, eq=False)
class FinishedShot:
    """A shot with its appearances, and what was heard in it."""

    shot: Shot
    appearances: list[FinishedAppearance]
    heard: ShotSpeech | None


class _Run:
    """One ingest from a checkpoint to the end of the file."""

    def __init__(
        self,
        pipeline: Pipeline,
        video: Video,
        file: VideoFile,
        decoder: ThreadPoolExecutor,
        writer: Writer,
        observer: Observer,
    ) -> None:
        self._pipeline, self._writer, self._observer = pipeline, writer, observer
        self._video = video
        self._file, self._decoder = file, decoder
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue(CHUNKS_AHEAD)
        self._detected: asyncio.Queue[Sighted | None] = asyncio.Queue(DETECTED_AHEAD)
        self._shots: asyncio.Queue[Shot | None] = asyncio.Queue(SHOTS_AHEAD)
        self._finished: asyncio.Queue[FinishedShot | None] = asyncio.Queue(SHOTS_AHEAD)

    async def to_the_end(self) -> Video:
        """Run all stages; an error in one ends all and is raised as it is."""
        try:
            async with asyncio.TaskGroup() as stages:
                for stage in (self._decode, self._detect, self._track, self._encode, self._write):
                    stages.create_task(stage())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        return self._video

    async def _decode(self) -> None:
        start = Position(self._video.committed_frame, self._video.committed_s)
        listen = self._file.sound if self._pipeline.can_hear else None
        how = self._pipeline.settings.decode
        chunks = read_chunks(self._file.frames(start), self._file.frame_s, how, listen)
        loop = asyncio.get_running_loop()
        while (chunk := await loop.run_in_executor(self._decoder, _following, chunks)) is not None:
            await self._chunks.put(chunk)
        await self._chunks.put(None)

    async def _detect(self) -> None:
        while (chunk := await self._chunks.get()) is not None:
            await self._detected.put(await self._pipeline.detect(chunk))
        await self._detected.put(None)

    async def _track(self) -> None:
        tracker = self._pipeline.tracker(self._file.frame_s)
        while (item := await self._detected.get()) is not None:
            shot = await asyncio.to_thread(tracker.take, item.chunk, item.detected, item.clothes)
            if item.chunk.frames:
                await self._observer.analysed(self._video, item.chunk.frames[-1].position.time_s)
            if shot is not None:
                await self._shots.put(shot)
        await self._shots.put(None)

    async def _encode(self) -> None:
        while (shot := await self._shots.get()) is not None:
            await self._finished.put(await self._pipeline.encode(self._video, shot))
        await self._finished.put(None)

    async def _write(self) -> None:
        waiting: list[FinishedAppearance] = []
        heard: list[ShotSpeech] = []
        while (item := await self._finished.get()) is not None:
            waiting += item.appearances
            heard += [item.heard] if item.heard is not None else []
            end = item.shot.end
            enough = end.time_s - self._video.committed_s >= self._pipeline.settings.checkpoint_s
            if enough or item.shot.film_ends:
                self._video = await self._writer.commit(self._video, waiting, heard, end)
                waiting, heard = [], []
                await self._observer.committed(self._video)


def _following(chunks: Iterator[Chunk]) -> Chunk | None:
    return next(chunks, None)


def _described(video: Video, file: VideoFile) -> Video:
    found = file.format
    return video.with_changes(
        duration_s=found.duration_s,
        width_px=found.width_px,
        height_px=found.height_px,
        frames_per_second=found.frames_per_second,
    )


@asynccontextmanager
async def _opened(path: Path, threads: int, with_sound: bool) -> AsyncIterator[tuple[VideoFile, ThreadPoolExecutor]]:
    """The file, and the one thread that may touch it."""
    decoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode")
    loop = asyncio.get_running_loop()
    try:
        file = await loop.run_in_executor(decoder, partial(VideoFile, path, threads, with_sound=with_sound))
        try:
            yield file, decoder
        finally:
            # Behind what the thread may still be doing: a file must not be closed under a running decode.
            await asyncio.shield(loop.run_in_executor(decoder, file.close))
    finally:
        decoder.shutdown(wait=False)
