"""What coding for a film does to sound."""

import io
from typing import Final

import av
import numpy as np

from synthetic.types import F32

_BLOCK: Final = 1024


def aac_loss(sound: F32, rate_hz: int, bit_rate: int) -> F32:
    """Code a sound with AAC and decode it again: float32[N] mono in, float32[N] out, in step with what came in.

    Raises:
        RuntimeError: the coder gave back too little.
    """
    padded = np.concatenate([sound, np.zeros(-len(sound) % _BLOCK + 2 * _BLOCK, np.float32)])
    memory = io.BytesIO()
    with av.open(memory, mode="w", format="adts") as coder:
        stream = coder.add_stream("aac", rate=rate_hz, layout="mono", options={"b": str(bit_rate), "aac_coder": "fast"})
        for start in range(0, len(padded), _BLOCK):
            block = np.ascontiguousarray(padded[None, start : start + _BLOCK], np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate_hz, start
            coder.mux(stream.encode(frame))
        coder.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory, mode="r", format="aac") as decoder:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in decoder.decode(audio=0)])
    # The coder puts one block of silence before the sound.
    out = decoded[_BLOCK : _BLOCK + len(sound)]
    if len(out) < len(sound):
        raise RuntimeError(f"AAC gave back {len(out)} samples, expected {len(sound)}; check PyAV's AAC coder")
    return np.asarray(out, dtype=np.float32)
