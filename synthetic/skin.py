"""The skin of a face as a picture over (azimuth, elevation): tone, brows, beard, age, marks.

Eyes and mouth are not painted here: they move, so the shader draws them.
"""

from typing import Final

import cv2
import numpy as np

from synthetic.head_mesh import FaceLayout, layout
from synthetic.identity import Identity
from synthetic.types import F32, U8, Floats

AZIMUTH_HALF: Final = 1.9
ELEVATION_HALF: Final = 1.45


def paint_skin(person: Identity, size: int) -> U8:
    """Paint the skin: uint8[size, size, 4] (RGB and gloss), row 0 = the chin side, column 0 = azimuth -1.9."""
    rng = np.random.Generator(np.random.PCG64(person.skin.texture_seed))
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    a, e = (np.asarray(g, np.float32) for g in np.meshgrid(axis * AZIMUTH_HALF, axis * ELEVATION_HALF))
    place = layout(person.shape)
    rgb = _tone(person, rng, size, a, e, place)
    rgb *= _age_shade(person.age, a, e, place, rng)[..., None]
    rgb = _scalp(person, rgb, rng, a, e, place)
    rgb = _beard(person, rgb, rng, a, e, place)
    rgb = _brows(person, rgb, rng, a, e, place)
    rgb = _marks(person, rgb, a, e, rng)
    gloss = 0.35 + 0.35 * _gauss(a, e, 0, 0.55, 0.6, 0.3) + 0.3 * _gauss(a, e, 0, place.nose_tip, 0.2, 0.2)
    out = np.concatenate([rgb, gloss[..., None]], -1)
    return np.asarray(np.clip(out, 0, 1) * 255 + 0.5, dtype=np.uint8)


def noise(rng: np.random.Generator, size: int, cells: tuple[int, int]) -> F32:
    """Smooth noise float32[size, size] with about unit variance; `cells` = columns, rows of the coarse lattice."""
    coarse = rng.standard_normal((cells[1], cells[0])).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _gauss(a: F32, e: F32, ca: float, ce: float, sa: float, se: float) -> F32:
    return np.asarray(np.exp(-(((a - ca) / sa) ** 2) - ((e - ce) / se) ** 2), dtype=np.float32)


def _flat(x: Floats) -> F32:
    """Return exp(-x^4)."""
    square = x * x
    return np.asarray(np.exp(-square * square), dtype=np.float32)


def _step(x: Floats, low: float, high: float) -> F32:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _tone(person: Identity, rng: np.random.Generator, size: int, a: F32, e: F32, p: FaceLayout) -> F32:
    skin = person.skin
    mottle = 0.55 * noise(rng, size, (9, 9)) + 0.3 * noise(rng, size, (32, 32)) + 0.25 * noise(rng, size, (96, 96))
    rgb = np.asarray(skin.color, dtype=np.float32) * (1 + 0.022 * mottle)[..., None]
    absa = np.abs(a)
    red = skin.redness * (_gauss(absa, e, 0.62, -0.25, 0.3, 0.22) + 0.8 * _gauss(a, e, 0, p.nose_tip, 0.16, 0.13))
    rgb *= 1 + red[..., None] * np.array([0.06, -0.13, -0.10], dtype=np.float32)
    under = skin.under_eye * _gauss(absa, e, p.eye_x - 0.03, p.eye_y - 0.14, 0.17, 0.055)
    socket = _gauss(absa, e, p.eye_x, p.eye_y + 0.03, 0.24, 0.13)
    rgb *= 1 - (0.16 * under + 0.13 * socket)[..., None] * np.array([0.8, 1.0, 0.9], dtype=np.float32)
    nostril = _gauss(absa, e, 0.55 * p.nose_w, p.nose_tip - 0.085, 0.042, 0.022)
    wing = _gauss(absa, e, 1.25 * p.nose_w, p.nose_tip - 0.03, 0.03, 0.06)
    below = _gauss(a, e, 0, p.mouth_y - 0.16, 0.22, 0.04)
    rgb *= (1 - 0.62 * nostril - 0.2 * wing - 0.10 * below)[..., None]
    return np.asarray(rgb, dtype=np.float32)


def _age_shade(age: float, a: F32, e: F32, p: FaceLayout, rng: np.random.Generator) -> F32:
    """Lines of age as a factor of brightness."""
    old = float(np.clip((age - 28) / 45, 0, 1))
    absa = np.abs(a)
    fold_x = 1.15 * p.nose_w + (p.nose_tip - e) * (0.55 + 0.1 * rng.normal())
    fold = (
        np.exp(-(((absa - fold_x) / 0.028) ** 2))
        * _step(-e, -p.nose_tip - 0.02, -p.nose_tip + 0.08)
        * _step(e, p.mouth_y - 0.10, p.mouth_y + 0.05)
    )
    brow_lines = np.zeros_like(a)
    for k in range(3):
        line = (
            p.eye_y
            + 0.36
            + 0.105 * k
            + 0.02 * np.sin(a * (3 + rng.normal()) + rng.uniform(0, 6))
            + 0.03 * np.cos(a * 2)
        )
        brow_lines += np.exp(-(((e - line) / 0.014) ** 2)) * _flat(a / rng.uniform(0.4, 0.7))
    crow = np.zeros_like(a)
    for slope in (-0.5, -0.1, 0.3):
        dist = (e - p.eye_y) - slope * (absa - p.eye_x - p.eye_w)
        crow += (
            np.exp(-((dist / 0.012) ** 2))
            * _step(absa, p.eye_x + p.eye_w, p.eye_x + p.eye_w + 0.05)
            * _step(-absa, -p.eye_x - p.eye_w - 0.22, -p.eye_x - p.eye_w - 0.1)
        )
    bag = np.exp(-(((e - (p.eye_y - 0.16 + 0.6 * (absa - p.eye_x) ** 2)) / 0.016) ** 2)) * _flat(
        (absa - p.eye_x) / 0.15
    )
    return np.asarray(
        1 - old * (0.30 * fold + 0.20 * brow_lines + 0.22 * crow + 0.2 * bag) - 0.05 * fold, dtype=np.float32
    )


def _mix(rgb: F32, color: np.ndarray, amount: Floats) -> F32:
    return np.asarray(rgb + (color.astype(np.float32) - rgb) * np.clip(amount, 0, 1)[..., None], dtype=np.float32)


def _scalp(person: Identity, rgb: F32, rng: np.random.Generator, a: F32, e: F32, p: FaceLayout) -> F32:
    """Darken where hair grows, so that cropped hair and hair roots show under the hair mesh."""
    from synthetic.hair import hairline_elevation

    density = {"bald": 0.12, "buzz": 0.85}.get(person.hair.style, 0.8)
    grow = _step(e - hairline_elevation(a, p.hairline, person.hair.recede), -0.03, 0.05)
    grain = 0.85 + 0.15 * noise(rng, a.shape[0], (128, 128))
    return _mix(rgb, np.asarray(person.hair.color), density * grow * grain)


def _beard(person: Identity, rgb: F32, rng: np.random.Generator, a: F32, e: F32, p: FaceLayout) -> F32:
    f = person.facial_hair
    if max(f.beard, f.moustache, f.goatee) <= 0:
        return rgb
    absa = np.abs(a)
    upper = -0.42 + f.beard_line - 0.25 * _step(-absa, -0.75, -0.35) + 0.45 * _step(absa, 0.95, 1.25)
    cheek = _step(upper - e, -0.02, 0.07) * _step(-absa, -1.5, -1.35) * _step(e, -1.45, -1.25)
    lips = 1 - _gauss(a, e, 0, p.mouth_y - 0.01, p.mouth_w * 1.05, 0.085) ** 0.5
    goatee = _step(-absa, -p.mouth_w * 1.1, -p.mouth_w * 0.85) * _step(p.mouth_y - e, 0.02, 0.09)
    stache_y = (p.mouth_y + p.nose_tip - 0.06) / 2 - 0.10 * (absa / p.mouth_w) ** 2
    stache = _flat((e - stache_y) / 0.062) * _step(-absa, -p.mouth_w * 1.15, -p.mouth_w * 0.9)
    grain = 0.86 + 0.14 * noise(rng, a.shape[0], (110, 60))
    amount = np.maximum.reduce([f.beard * cheek * lips, f.goatee * goatee * lips, f.moustache * stache]) * grain
    return _mix(rgb, np.asarray(person.hair.color) * 0.9, amount * 0.94)


def _brows(person: Identity, rgb: F32, rng: np.random.Generator, a: F32, e: F32, p: FaceLayout) -> F32:
    f = person.facial_hair
    absa = np.abs(a)
    span = 0.245 * f.brow_length
    t = (absa - (p.eye_x + 0.01)) / span
    line = p.eye_y + 0.185 + 0.028 * f.brow_tilt * t + 0.035 * f.brow_arch * (1 - (t - 0.25) ** 2)
    thick = 0.036 * f.brow_thickness * (1.05 - 0.45 * np.clip(t, -1, 1)) * np.sqrt(np.clip(1.05 - t * t, 0, 1))
    inside = _step(thick - np.abs(e - line), -0.008, 0.016) * (np.abs(t) < 1.03)
    strands = 0.88 + 0.12 * noise(rng, a.shape[0], (100, 30))
    color = np.asarray(person.hair.color) * 0.72
    return _mix(rgb, color, inside * strands * f.brow_density)


def _marks(person: Identity, rgb: F32, a: F32, e: F32, rng: np.random.Generator) -> F32:
    for ma, me, radius, dark in person.skin.marks:
        spot = _step(radius - np.hypot(a - ma, e - me), -0.008, 0.008)
        rgb = _mix(rgb, np.asarray(person.skin.color) * np.array([0.45, 0.35, 0.32]), spot * dark)
    if person.skin.freckles > 0:
        field = noise(rng, a.shape[0], (75, 75))
        zone = _gauss(np.abs(a), e, 0.4, -0.12, 0.55, 0.25)
        rgb = _mix(
            rgb,
            np.asarray(person.skin.color) * np.array([0.74, 0.6, 0.5]),
            _step(field, 0.5, 1.3) * zone * person.skin.freckles,
        )
    return rgb
