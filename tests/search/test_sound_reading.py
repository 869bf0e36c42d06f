"""Sound clips to samples: the formats of the contract, spans, limits, and what is no sound."""

from __future__ import annotations

import io
import wave
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest

from services.runtime.errors import UnreadableSoundError
from services.search.sound_reading import SoundReader

HERTZ = 440.0


@pytest.fixture
def reader(executor: ThreadPoolExecutor) -> SoundReader:
    return SoundReader(executor, max_bytes=2**20, max_s=5.0, reach_s=20.0)


def tone(seconds: float, rate: int) -> np.ndarray:
    return (0.3 * np.sin(2.0 * np.pi * HERTZ * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def encoded(container: str, codec: str, *, seconds: float = 2.0, rate: int = 48_000, channels: int = 2) -> bytes:
    """A tone as a file."""
    out = io.BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        form = stream.codec_context.format
        resampler = av.AudioResampler(format=form.name if form else "s16", layout=layout, rate=rate, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(np.stack([tone(seconds, rate)] * channels), format="fltp", layout=layout)
        frame.rate = rate
        for piece in (frame, None):
            for part in resampler.resample(piece):
                file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def a_wave(samples: np.ndarray, rate: int, width: int = 2, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def pitch(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * 16_000 / len(samples)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("wav", "pcm_f32le"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("adts", "aac"),
        ("mp4", "aac"),
        ("mp4", "alac"),
    ],
)
async def test_reads_what_the_contract_names(reader: SoundReader, container: str, codec: str) -> None:
    samples = await reader.read(encoded(container, codec))
    assert samples.dtype == np.float32
    assert samples.shape == (pytest.approx(32_000, abs=1_500),)
    assert pitch(samples) == pytest.approx(HERTZ, abs=2.0)
    assert 0.25 < np.abs(samples[4000:-4000]).max() < 0.36


@pytest.mark.parametrize("rate", [8_000, 11_025, 96_000])
async def test_any_usual_rate(reader: SoundReader, rate: int) -> None:
    samples = await reader.read(a_wave((tone(1.0, rate) * 32767).astype("<i2"), rate))
    assert samples.shape == (pytest.approx(16_000, abs=200),)
    assert pitch(samples) == pytest.approx(HERTZ, abs=2.0)


async def test_channels_are_averaged(reader: SoundReader) -> None:
    left = (tone(1.0, 16_000) * 32767).astype("<i2")
    sound = await reader.read(a_wave(np.stack([left, np.zeros_like(left)], axis=1), 16_000, channels=2))
    assert np.abs(sound).max() == pytest.approx(0.15, abs=0.01)


async def test_a_span_is_cut_out_and_a_long_clip_is_shortened(reader: SoundReader) -> None:
    silence_then_tone = np.concatenate([np.zeros(32_000, np.float32), tone(6.0, 16_000)])
    clip = a_wave((silence_then_tone * 32767).astype("<i2"), 16_000)
    assert (await reader.read(clip)).shape == (5 * 16_000,)
    assert np.abs(await reader.read(clip, (0.0, 2.0))).max() == 0.0
    cut = await reader.read(clip, (2.0, 2.5))
    assert cut.shape == (8_000,)
    assert np.abs(cut).max() > 0.2
    assert (await reader.read(clip, (7.5, 99.0))).shape == (8_000,)


async def test_a_file_that_lost_its_end_or_a_piece_is_read_as_far_as_it_goes(reader: SoundReader) -> None:
    whole = encoded("mp3", "libmp3lame")
    assert (await reader.read(whole[: len(whole) // 2])).shape[0] > 8_000
    torn = bytearray(whole)
    torn[5000:6000] = b"\xff" * 1000
    assert (await reader.read(bytes(torn))).shape[0] > 24_000


async def test_numbers_that_are_none_become_silence(reader: SoundReader) -> None:
    samples = tone(1.0, 48_000)
    samples[1000:2000] = np.nan
    samples[5000] = np.inf
    header = encoded("wav", "pcm_f32le", seconds=1.0, channels=1)
    clip = header[: len(header) - samples.nbytes] + samples.tobytes()
    read = await reader.read(clip)
    assert np.isfinite(read).all()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no sound at all" * 100, id="noise"),
        pytest.param(b"RIFF" + bytes(60), id="half a header"),
        pytest.param(a_wave(np.zeros(0, "<i2"), 16_000), id="no samples"),
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n", id="a playlist"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/hostname\n", id="a list of files"),
        pytest.param(encoded("matroska", "aac"), id="another container"),
        pytest.param(encoded("wav", "adpcm_ms"), id="another codec"),
        pytest.param(a_wave(np.full(50_000, 128, np.uint8), 1, width=1), id="one sample a second"),
    ],
)
async def test_what_is_no_sound_is_refused(reader: SoundReader, content: bytes) -> None:
    with pytest.raises(UnreadableSoundError, match="expected"):
        await reader.read(content)


async def test_too_large_too_late_or_beside_the_clip(reader: SoundReader) -> None:
    with pytest.raises(UnreadableSoundError, match="at most 1048576 bytes"):
        await reader.read(bytes(2**20 + 1))
    clip = a_wave((tone(1.0, 16_000) * 32767).astype("<i2"), 16_000)
    with pytest.raises(UnreadableSoundError, match="cut the clip"):
        await reader.read(clip, (21.0, 22.0))
    with pytest.raises(UnreadableSoundError, match="none of it from"):
        await reader.read(clip, (3.0, 4.0))


async def test_a_silent_film_has_nothing_to_hear(reader: SoundReader) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=25, width=64, height=48, pix_fmt="yuv420p")
        for _ in range(5):
            file.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        file.mux(stream.encode(None))
    with pytest.raises(UnreadableSoundError, match="without sound"):
        await reader.read(out.getvalue())
