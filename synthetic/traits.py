"""What makes up a person - face, skin, hair, build, voice - and how each is drawn.

All numbers are drawn from continuous distributions, so two people differ by degree and not by a mark of their own.
"""

from dataclasses import dataclass, fields

import numpy as np

from synthetic.types import F32

RGB = tuple[float, float, float]

# Six anchors of a skin ramp (sRGB 0..1), light to dark; people lie anywhere between them.
SKIN_RAMP = np.array(
    [
        [0.97, 0.85, 0.78],
        [0.93, 0.76, 0.65],
        [0.84, 0.65, 0.52],
        [0.70, 0.50, 0.37],
        [0.50, 0.34, 0.25],
        [0.33, 0.22, 0.17],
    ],
    dtype=np.float32,
)
HAIR_ANCHORS = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.18, 0.11, 0.08],
        [0.33, 0.20, 0.12],
        [0.45, 0.22, 0.12],
        [0.66, 0.36, 0.16],
        [0.84, 0.68, 0.40],
    ],
    dtype=np.float32,
)
EYE_ANCHORS = np.array(
    [
        [0.18, 0.10, 0.06],
        [0.36, 0.22, 0.11],
        [0.42, 0.40, 0.20],
        [0.30, 0.42, 0.30],
        [0.35, 0.52, 0.66],
        [0.48, 0.55, 0.58],
    ],
    dtype=np.float32,
)


@dataclass(frozen=True, slots=True)
class FaceShape:
    """Shape of the head in standard deviations from the mean face (0 = mean); see `head_mesh` for what each moves."""

    head_width: float
    head_depth: float
    head_size: float
    jaw_width: float
    jaw_corner: float
    chin_length: float
    chin_forward: float
    cheekbone: float
    cheek_fat: float
    brow_ridge: float
    forehead: float
    temple: float
    nose_length: float
    nose_forward: float
    nose_width: float
    nose_bridge: float
    nose_hump: float
    nose_tip_up: float
    eye_distance: float
    eye_height: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    eye_depth: float
    mouth_height: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    ear_size: float
    ear_out: float
    hairline: float


@dataclass(frozen=True, slots=True)
class Skin:
    """Colour and texture of the skin; colours are sRGB in 0..1, marks are (azimuth, elevation, radius, darkness)."""

    color: RGB
    lip_color: RGB
    lip_strength: float
    redness: float
    freckles: float
    marks: tuple[tuple[float, float, float, float], ...]
    under_eye: float
    texture_seed: int


@dataclass(frozen=True, slots=True)
class FacialHair:
    """Brows and beard. `brow_*` are in units of the mean brow, `beard` and `moustache` are densities in 0..1."""

    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    brow_length: float
    brow_density: float
    beard: float
    beard_line: float
    moustache: float
    goatee: float


@dataclass(frozen=True, slots=True)
class Hair:
    """The hair a person was born with and usually wears; `style` is a family of `hair.STYLES`."""

    style: str
    alternative: str
    color: RGB
    length: float
    volume: float
    curl: float
    recede: float
    part: float


@dataclass(frozen=True, slots=True)
class Build:
    """Body; height in metres, the rest as factors of the mean body."""

    height_m: float
    limb_width: float
    shoulders: float
    belly: float
    hips: float
    neck: float


@dataclass(frozen=True, slots=True)
class Voice:
    """Settings of the speech synthesiser: pitch 0..99, rate in words a minute, formant scale, breath."""

    pitch: int
    rate_wpm: int
    formant: float
    pitch_range: int
    roughness: float


def ramp(anchors: F32, level: float, rng: np.random.Generator, jitter: float) -> RGB:
    """Return the colour at `level` (0..1) of a ramp of anchors, moved a little at random."""
    place = level * (len(anchors) - 1)
    low = min(int(place), len(anchors) - 2)
    color = anchors[low] + (anchors[low + 1] - anchors[low]) * (place - low)
    return clamp_rgb(color + rng.normal(0, jitter, 3))


def clamp_rgb(color: np.ndarray) -> RGB:
    """Return a colour as a tuple of floats kept off pure black and white."""
    r, g, b = (float(c) for c in np.clip(color, 0.02, 0.98))
    return (r, g, b)


def draw_shape(rng: np.random.Generator, *, female: bool) -> FaceShape:
    """Draw a face's shape."""
    values = dict.fromkeys((f.name for f in fields(FaceShape)), 0.0)
    for name in values:
        values[name] = float(np.clip(rng.normal(0, 1.0), -2.3, 2.3))
    # The mean of some parameters differs by sex; the spread within a sex stays wider than the gap.
    lean = -0.6 if female else 0.6
    for name in ("jaw_width", "jaw_corner", "brow_ridge", "nose_forward", "head_size", "chin_length"):
        values[name] += lean
    for name in ("lip_upper", "lip_lower", "eye_open"):
        values[name] -= 0.5 * lean
    return FaceShape(**values)


def draw_skin(rng: np.random.Generator, level: float, *, female: bool) -> Skin:
    """Draw skin of a level 0 (light) .. 1 (dark)."""
    color = ramp(SKIN_RAMP, level, rng, 0.022)
    tint = np.array([rng.normal(0.10, 0.06), rng.normal(-0.12, 0.05), rng.normal(-0.08, 0.05)])
    painted = 0.25 if female and rng.random() < 0.35 else 0.0
    lip = np.array(color) * 0.86 + tint * (0.6 + painted * 2)
    marks = tuple(
        (
            float(rng.uniform(-1.0, 1.0)),
            float(rng.uniform(-0.95, 0.65)),
            float(rng.uniform(0.014, 0.04)),
            float(rng.uniform(0.35, 0.9)),
        )
        for _ in range(int(rng.poisson(1.6)))
    )
    freckles = float(max(0.0, rng.normal(-0.3, 0.5))) if level < 0.55 else 0.0
    return Skin(
        color=color,
        lip_color=clamp_rgb(lip),
        lip_strength=float(np.clip(rng.normal(0.55, 0.2) + painted, 0.2, 1.0)),
        redness=float(max(0, rng.normal(0.4, 0.35))),
        freckles=min(freckles, 1.0),
        marks=marks,
        under_eye=float(max(0, rng.normal(0.35, 0.3))),
        texture_seed=int(rng.integers(2**31)),
    )


def draw_facial_hair(rng: np.random.Generator, *, female: bool) -> FacialHair:
    """Draw brows and, for men, a beard."""
    kind = (
        "none"
        if female
        else str(rng.choice(["none", "stubble", "full", "goatee", "moustache"], p=[0.42, 0.2, 0.2, 0.1, 0.08]))
    )
    amount = float(rng.uniform(0.65, 1.0))
    return FacialHair(
        brow_thickness=float(np.clip(rng.normal(0.85 if female else 1.15, 0.3), 0.4, 2.0)),
        brow_arch=float(rng.normal(0.6 if female else 0.3, 0.5)),
        brow_tilt=float(rng.normal(0, 1)),
        brow_length=float(np.clip(rng.normal(1, 0.12), 0.7, 1.3)),
        brow_density=float(np.clip(rng.normal(0.75, 0.18), 0.25, 1)),
        beard={"stubble": 0.35 * amount, "full": amount}.get(kind, 0.0),
        beard_line=float(rng.normal(0, 0.08)),
        moustache={"stubble": 0.35 * amount, "full": amount, "goatee": amount, "moustache": amount}.get(kind, 0.0),
        goatee=amount if kind == "goatee" else 0.0,
    )


def draw_hair(rng: np.random.Generator, skin_level: float, age: float, *, female: bool) -> Hair:
    """Draw hair; it greys and recedes with age (years)."""
    if female:
        styles = ["long", "bob", "ponytail", "bun", "curly", "short", "fringe_long", "pixie"]
        style = str(rng.choice(styles, p=[0.22, 0.16, 0.15, 0.1, 0.13, 0.08, 0.1, 0.06]))
    else:
        styles = ["short", "side", "buzz", "bald", "quiff", "curly", "long", "fringe"]
        style = str(rng.choice(styles, p=[0.24, 0.18, 0.13, 0.1, 0.11, 0.1, 0.05, 0.09]))
    alternatives = {
        "long": "ponytail",
        "fringe_long": "bun",
        "bob": "halfup",
        "ponytail": "long",
        "bun": "long",
        "side": "short",
        "quiff": "side",
    }
    color = np.array(ramp(HAIR_ANCHORS, float(rng.beta(1.0, 1.1 + 5 * max(0.0, skin_level - 0.25))), rng, 0.02))
    grey = float(np.clip((age - 42) / 30 + rng.normal(0, 0.3), 0, 1)) if age > 36 else 0.0
    color = color * (1 - grey) + np.array([0.74, 0.73, 0.72]) * grey
    return Hair(
        style=style,
        alternative=alternatives.get(style, style),
        color=clamp_rgb(color),
        length=float(rng.uniform(0.0, 1.0)),
        volume=float(rng.uniform(0.0, 1.0)),
        curl=float(np.clip(rng.normal(0.25, 0.3), 0, 1)),
        recede=float(0 if female else max(0, rng.normal((age - 40) / 40, 0.4))),
        part=float(rng.uniform(-1, 1)),
    )


def draw_build(rng: np.random.Generator, *, female: bool) -> Build:
    """Draw a body."""
    mass = float(rng.normal(0, 1))
    return Build(
        height_m=float(np.clip(rng.normal(1.645 if female else 1.775, 0.075), 1.45, 2.02)),
        limb_width=float(np.clip(1 + 0.12 * mass + rng.normal(0, 0.05) - 0.06 * female, 0.75, 1.4)),
        shoulders=float(np.clip(rng.normal(0.93 if female else 1.07, 0.06), 0.8, 1.25)),
        belly=float(np.clip(1 + 0.16 * mass + rng.normal(0, 0.06), 0.78, 1.6)),
        hips=float(np.clip(rng.normal(1.08 if female else 0.96, 0.06) + 0.07 * mass, 0.8, 1.35)),
        neck=float(np.clip(rng.normal(0.9 if female else 1.08, 0.07) + 0.05 * mass, 0.75, 1.3)),
    )


def draw_voice(rng: np.random.Generator, age: float, *, female: bool) -> Voice:
    """Draw a voice; it deepens and roughens with age (years)."""
    return Voice(
        pitch=int(np.clip(rng.normal(62 if female else 30, 13) - 0.05 * (age - 40), 2, 96)),
        rate_wpm=int(np.clip(rng.normal(168, 18), 125, 215)),
        formant=float(np.clip(rng.normal(1.08 if female else 0.95, 0.07), 0.8, 1.25)),
        pitch_range=int(np.clip(rng.normal(50, 16), 15, 95)),
        roughness=float(np.clip(rng.normal(0, 0.35) + (age - 45) / 120, 0, 1)),
    )
