"""The front end of speech recognition, and its answer as text: numpy alone, for training, export and serving.

Source: the DeepSpeech2 of SeanNaren/deepspeech.pytorch (methods.md 2.4): 16 kHz mono, Hamming windows of 20 ms every
10 ms, log(1 + magnitude) of 161 frequencies, normalised over the utterance; CTC over 29 symbols.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from packs.arrays import F32
from packs.sound import checked

WINDOW: Final = 320  # samples of one frame: 20 ms
HOP: Final = 160  # samples from one frame to the next: 10 ms
BINS: Final = WINDOW // 2 + 1
SYMBOLS: Final = "_'ABCDEFGHIJKLMNOPQRSTUVWXYZ "
"""What the recogniser writes, by number; the first is the blank of CTC."""

BLANK: Final = 0
# Frame t is centred on sample 160 t.
_REACH: Final = WINDOW // 2


def log_spectrogram(samples: F32) -> F32:
    """The spectrogram of a whole utterance, not yet normalised.

    Args:
        samples: float32[N], N >= 1, mono, 16 kHz, about -1..1.

    Returns:
        float32[1 + N // 160, 161], log(1 + magnitude), 0 in silence, at most about 5.2. Frame t is centred on sample
        160 t; beyond both ends the sound is silent.

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    if checked(samples).shape[0] == 0:
        raise ValueError("an utterance must have at least 1 sample, got none")
    stream = SpectrogramStream()
    return np.concatenate([stream.push(samples), stream.finish()])


def normalised(spectrogram: F32) -> F32:
    """Give an utterance the mean 0 and the (unbiased) deviation 1, as the published loader does.

    Args:
        spectrogram: float32[T, 161] of one utterance.

    Returns:
        float32[T, 161]; silence without any change stays at 0.
    """
    centred = spectrogram - spectrogram.mean(dtype=np.float64)
    spread = float(centred.std(dtype=np.float64, ddof=1)) if centred.size > 1 else 0.0
    return np.asarray(centred / (spread if spread > 1e-8 else 1.0), dtype=np.float32)


class SpectrogramStream:
    """Makes the frames of `log_spectrogram` from sound that comes in blocks of any size.

    A frame is there 10 ms after its centre. Streaming networks take it as it is: the mean of an utterance that is not
    over is unknown.
    """

    def __init__(self) -> None:
        self._buffer = np.zeros(_REACH, np.float32)

    def push(self, block: F32) -> F32:
        """Take the next block float32[N], N >= 0; give the frames that it completes, float32[n, 161]."""
        self._buffer = np.concatenate([self._buffer, checked(block)])
        count = max(0, (self._buffer.shape[0] - WINDOW) // HOP + 1)
        if count == 0:
            return np.zeros((0, BINS), np.float32)
        frames = _transformed(self._buffer[: (count - 1) * HOP + WINDOW])
        self._buffer = self._buffer[count * HOP :]
        return frames

    def finish(self) -> F32:
        """Give the last frames, as if silence followed."""
        return self.push(np.zeros(_REACH, np.float32))


class GreedyReader:
    """Turns scores of symbols into text as they come: the best of each frame, repeats and blanks dropped.

    Source: Graves et al., "Connectionist Temporal Classification", ICML 2006, section 3.2 (best path decoding).
    """

    def __init__(self) -> None:
        self._last = BLANK

    def read(self, scores: F32) -> str:
        """Read the next frames.

        Args:
            scores: float32[T, 29], of any monotone scale (logits, log-probabilities).

        Returns:
            what they add to the text.
        """
        text = ""
        for number in scores.argmax(axis=1).tolist():
            if number not in (self._last, BLANK):
                text += SYMBOLS[number]
            self._last = number
        return text


def greedy_text(scores: F32) -> str:
    """Text of a whole utterance, scores float32[T, 29], in lower case, without blanks at its ends."""
    return GreedyReader().read(scores).strip().lower()


def symbol_numbers(text: str) -> list[int]:
    """Numbers of a text's symbols, for training; what has no symbol (digits, marks) is left out."""
    known = (SYMBOLS.find(char) for char in text.upper())
    return [number for number in known if number > BLANK]


def _transformed(samples: F32) -> F32:
    # The window of period 320, as analysis filters have it, not the symmetric one.
    window = np.hamming(WINDOW + 1)[:-1].astype(np.float32)
    frames = sliding_window_view(samples, WINDOW)[::HOP] * window
    return np.asarray(np.log1p(np.abs(np.fft.rfft(frames, axis=1))), dtype=np.float32)
