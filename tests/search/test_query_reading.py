"""Pictures of every kind, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from services.runtime.errors import UnreadableImageError
from services.search.query_reading import PictureReader


@pytest.fixture
def reader(executor: ThreadPoolExecutor) -> PictureReader:
    return PictureReader(executor, max_bytes=2**20, max_pixels=1_000_000, working_side=400)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def header_of_png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_reads_each_format(reader: PictureReader, kind: str) -> None:
    options = {} if kind == "PNG" else {"quality": 95}
    pixels = await reader.read(encoded(Image.new("RGB", (64, 32), (200, 100, 50)), kind, **options))
    assert pixels.shape == (32, 64, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - [200, 100, 50]).max() <= 4


async def test_turns_upright_by_exif(reader: PictureReader) -> None:
    picture = Image.new("RGB", (64, 32), (0, 0, 0))
    picture.paste((255, 255, 255), (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    pixels = await reader.read(encoded(picture, "JPEG", exif=exif, quality=95))
    assert pixels.shape == (64, 32, 3)
    assert pixels[:28].mean() > 200
    assert pixels[36:].mean() < 50


@pytest.mark.parametrize("size", [(900, 300), (300, 900)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_shrinks_to_the_working_side(reader: PictureReader, kind: str, size: tuple[int, int]) -> None:
    pixels = await reader.read(encoded(Image.new("RGB", size), kind))
    assert max(pixels.shape) == 400
    assert min(pixels.shape[:2]) == 133


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
async def test_reads_each_mode(reader: PictureReader, mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    pixels = await reader.read(encoded(Image.new("RGB", (20, 10), (255, 255, 255)).convert(mode), kind))
    assert pixels.shape == (10, 20, 3)
    assert pixels.min() > 240


async def test_sixteen_bit_greys_are_scaled(reader: PictureReader) -> None:
    grey = np.linspace(0, 65535, 100).astype(np.uint16).reshape(10, 10)
    pixels = await reader.read(encoded(Image.fromarray(grey), "PNG"))
    assert pixels[0, 0, 0] == 0
    assert pixels[-1, -1, 0] == 255
    assert abs(int(pixels[5, 0, 0]) - 128) <= 2


async def test_what_is_transparent_is_grey(reader: PictureReader) -> None:
    pixels = await reader.read(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"))
    assert pixels.tolist() == [[[114] * 3] * 8] * 8


@pytest.mark.parametrize(
    "content",
    [
        b"not a picture",
        b"\x89PNG\r\n\x1a\nrest",
        b"\xff\xd8\xff\xe0nothing",
        header_of_png(100, 100),
        encoded(Image.new("RGB", (500, 500), (9, 9, 9)), "JPEG")[:900],
        encoded(Image.new("RGB", (8, 8)), "BMP"),
        encoded(Image.new("RGB", (8, 8)), "GIF"),
    ],
    ids=["text", "png-start", "jpeg-start", "empty-png", "cut-jpeg", "bmp", "gif"],
)
async def test_refuses_what_is_no_picture(reader: PictureReader, content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="cannot use this picture"):
        await reader.read(content)


@pytest.mark.parametrize("size", [(1001, 1000), (10_000, 10_000), (50_000, 40_000)])
async def test_refuses_by_the_header_alone(reader: PictureReader, size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        await reader.read(header_of_png(*size))
    assert "pixels" in refused.value.facts["expected"]


async def test_refuses_too_many_bytes(reader: PictureReader) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        await reader.read(bytes(2**20 + 1))
    assert refused.value.facts["got"] == "1048577 bytes"
