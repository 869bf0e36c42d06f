"""A short sample of a film's sound to listen to: two voices and music."""

from pathlib import Path
from typing import Final

import av
import numpy as np

from synthetic.film.script import Script
from synthetic.sound.scene import has_music, mix
from synthetic.sound.speech import SAMPLES_PER_FRAME, Speech
from synthetic.sound.voice import SAMPLE_RATE
from synthetic.types import F32

_BLOCK: Final = 1152
_STEP_S: Final = 0.5


def write_sample(
    script: Script, speeches: list[Speech], out: Path, seconds: float = 12.0, bit_rate: int = 96_000
) -> tuple[float, float]:
    """Write the part of a film's sound with music in which most is said by two people or more, as MP3.

    Args:
        script: the film.
        speeches: what is said in it.
        out: the file to write.
        seconds: length of the sample; shorter where the scene is.
        bit_rate: bits a second.

    Returns:
        Start and end in seconds of the film.

    Raises:
        ValueError: no scene of the film has music and two voices.
    """
    start, end = _choose(script, speeches, seconds)
    sound = mix(script, speeches)[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    _write_mp3(sound, out, bit_rate)
    return start, end


def _choose(script: Script, speeches: list[Speech], seconds: float) -> tuple[float, float]:
    best, chosen = 0.0, (0.0, 0.0)
    for scene in script.scenes:
        if not has_music(script, scene):
            continue
        first, last = (frame * SAMPLES_PER_FRAME / SAMPLE_RATE for frame in (scene.start, scene.end))
        for start in np.arange(first, max(last - seconds, first) + 1e-6, _STEP_S):
            end = min(float(start) + seconds, last)
            inside = [s for s in speeches if s.start_s >= start and s.end_s <= end]
            said = sum(s.end_s - s.start_s for s in inside)
            if len({s.person for s in inside}) >= 2 and said > best:
                best, chosen = said, (float(start), end)
    if best == 0.0:
        raise ValueError("no scene of this film has both music and two voices; take another seed or a longer film")
    return chosen


def _write_mp3(sound: F32, out: Path, bit_rate: int) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(out), mode="w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono", options={"b": str(bit_rate)})
        for start in range(0, len(sound), _BLOCK):
            block = np.ascontiguousarray(sound[None, start : start + _BLOCK], np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
