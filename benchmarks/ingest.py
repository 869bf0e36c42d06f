"""How fast, how busy, and how large an ingest is: ``python -m benchmarks.ingest --films DIR... [--loop N]``.

Runs the whole pipeline, all stages at once, with a pack in the `local` inference back end and stores in memory. The
budget of the design is 3 times real time on 2 cores; resident memory must not grow with the length of the film, which
`--loop` shows: it repeats the film so often by remuxing, without coding it anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from packs.manifest import Pack
from services.backends.hearing import HearingModels
from services.backends.index.fake import FakeIndex
from services.backends.inference.local import LocalInferenceBackend
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Video, VideoState
from services.backends.speaking import SpeakingModels
from services.backends.vision import VisionModels
from services.ingest.pipeline.run import Observer, Pipeline
from services.ingest.pipeline.settings import PipelineSettings


class MemoryObserver(Observer):
    """Notes the resident memory at each checkpoint, in MiB."""

    def __init__(self) -> None:
        self.resident_mib: list[float] = []

    async def committed(self, video: Video) -> None:
        """The checkpoint moved."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident_mib.append(pages * resource.getpagesize() / 2**20)


@contextmanager
def looped(path: Path, times: int) -> Iterator[Path]:
    """A film that shows the pictures of another so often, without coding them anew."""
    if times <= 1:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "looped.mp4"
        with av.open(str(target), "w") as out:
            with av.open(str(path)) as first:
                stream = out.add_stream_from_template(first.streams.video[0])
            offset = 0
            for _ in range(times):
                offset = _append(out, stream, path, offset)
        yield target


def _append(out: Any, stream: Any, path: Path, offset: int) -> int:
    """Copy a film's packets behind what is there; return where the next one begins, in its time base."""
    end = offset
    with av.open(str(path)) as film:
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is None or packet.pts is None or packet.duration is None:
                continue
            packet.pts += offset
            packet.dts += offset
            packet.stream = stream
            end = max(end, packet.pts + packet.duration)
            out.mux(packet)
    return end


async def measure(path: Path, pack: Pack, threads: int) -> dict[str, float]:
    """Ingest a film; say how long, how busy and how large that was."""
    backend = LocalInferenceBackend(pack, threads=threads)
    index, observer = FakeIndex(), MemoryObserver()
    await index.open({modality: pack.model_for(modality).embedding_dim or 0 for modality in pack.modalities})
    pipeline = Pipeline(
        vision=VisionModels(backend, pack),
        hearing=HearingModels(backend, pack),
        watching=SpeakingModels(backend, pack),
        modalities=pack.modalities,
        calibration=pack.calibration,
        index=index,
        media=FsspecMediaStore("memory://benchmark"),
        settings=PipelineSettings(),
    )

    async def ours() -> None:
        """Nobody else is here."""

    for model in pack.models:
        await backend.ready(model)
    video = Video("0" * 32, "benchmark", path.as_uri(), VideoState.QUEUED, 1, 0.0, "")
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    ready = await pipeline.run(video, path, still_ours=ours, observer=observer)
    took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    await backend.aclose()
    half = len(observer.resident_mib) // 2
    return {
        "film_s": ready.committed_s,
        "took_s": took_s,
        "cpu_s": took_cpu_s,
        "times_real_time": ready.committed_s / took_s,
        "times_real_time_if_alone": ready.committed_s / (took_cpu_s / (os.cpu_count() or 1)),
        "busy_share": took_cpu_s / (took_s * (os.cpu_count() or 1)),
        "appearances": ready.appearance_count,
        "resident_mib_first_half": max(observer.resident_mib[: half + 1]),
        "resident_mib_end": max(observer.resident_mib[half:]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure films and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", nargs="+", type=Path, required=True, help="folders with a film.mp4")
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="a model pack")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the networks")
    parser.add_argument("--loop", type=int, default=1, help="show each film so often")
    options: Any = parser.parse_args(arguments)
    pack = Pack.load(options.pack)
    for folder in options.films:
        with looped((folder / "film.mp4").resolve(), options.loop) as path:
            figures = asyncio.run(measure(path, pack, options.threads))
        print(json.dumps({"film": folder.name, "loop": options.loop} | {k: round(v, 3) for k, v in figures.items()}))


if __name__ == "__main__":
    main()
