"""What a person wears in one scene: clothes, shoes, glasses, hat, and whether the hair is up."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import RGB, Identity, clamp_rgb
from synthetic.types import generator

PLAIN: Final = 0
PATTERNS: Final = {"plain": 0, "stripes": 1, "pinstripes": 2, "checks": 3, "dots": 4, "jacket": 5, "print": 6}

# The colours that most people wear (sRGB): black, charcoal, navy, denim, grey, white, beige, olive; and how often.
_COMMON: Final = np.array(
    [
        [0.07, 0.07, 0.08],
        [0.22, 0.22, 0.24],
        [0.09, 0.11, 0.22],
        [0.22, 0.29, 0.42],
        [0.47, 0.48, 0.50],
        [0.88, 0.87, 0.85],
        [0.60, 0.52, 0.42],
        [0.30, 0.31, 0.22],
    ]
)
_COMMON_SHARE: Final = (0.28, 0.16, 0.20, 0.14, 0.10, 0.06, 0.04, 0.02)
# How often a piece has one of them.
_TOP_NEUTRAL: Final = 0.82
_BOTTOM_NEUTRAL: Final = 0.94


@dataclass(frozen=True, slots=True)
class Cloth:
    """A coloured piece: two sRGB colours, a pattern of `PATTERNS` and the pattern's period in metres."""

    color: RGB
    second: RGB
    pattern: str
    scale: float


@dataclass(frozen=True, slots=True)
class Outfit:
    """Clothes of one person in one scene. `sleeve` and `leg` are 0..1 of the limb covered; `skirt_m` 0 = trousers."""

    outfit_id: str
    top: Cloth
    bottom: Cloth
    sleeve: float
    leg: float
    skirt_m: float
    dress: bool
    loose: float
    shoes: RGB
    glasses: str
    glasses_color: RGB
    hat: str
    hat_color: RGB
    hair_style: str


def make_outfit(person: Identity, wardrobe: int, number: int) -> Outfit:
    """Draw outfit `number` of a person from a wardrobe (a film's seed, or 0 for training frames)."""
    rng = generator(person.cast_seed, person.index, 7, wardrobe, number)
    clothes = _clothes(rng, female=person.sex == "female")
    return _wear(rng, person, clothes, f"o{wardrobe}-{number}")


def make_uniform(person: Identity, wardrobe: int, number: int) -> Outfit:
    """Draw uniform `number` of a wardrobe as one person wears it.

    Everyone of the cast who wears the same number has the same clothes; shoes, glasses, hat, hair and how loosely the
    clothes sit are their own.
    """
    clothes = _clothes(generator(person.cast_seed, 13, wardrobe, number), female=False)
    rng = generator(person.cast_seed, person.index, 14, wardrobe, number)
    return _wear(rng, person, clothes, f"u{wardrobe}-{number}")


@dataclass(frozen=True, slots=True)
class _Clothes:
    top: Cloth
    bottom: Cloth
    sleeve: float
    leg: float
    skirt_m: float
    dress: bool


def _clothes(rng: np.random.Generator, *, female: bool) -> _Clothes:
    skirt = female and rng.random() < 0.35
    dress = skirt and rng.random() < 0.5
    top = _cloth(
        rng,
        ("plain", "stripes", "pinstripes", "checks", "dots", "jacket", "print"),
        (0.34, 0.12, 0.06, 0.11, 0.05, 0.22, 0.10),
        _TOP_NEUTRAL,
    )
    trousers = _cloth(rng, ("plain", "pinstripes", "checks"), (0.9, 0.05, 0.05), _BOTTOM_NEUTRAL)
    return _Clothes(
        top=top,
        bottom=top if dress and top.pattern != "jacket" else trousers,
        sleeve=1.0 if top.pattern == "jacket" else float(rng.choice([0.0, 0.28, 1.0], p=[0.06, 0.36, 0.58])),
        leg=0.0 if skirt else float(rng.choice([0.35, 1.0], p=[0.14, 0.86])),
        skirt_m=float(rng.uniform(0.32, 0.85)) if skirt else 0.0,
        dress=dress,
    )


def _wear(rng: np.random.Generator, person: Identity, clothes: _Clothes, outfit_id: str) -> Outfit:
    hat = str(rng.choice(["none", "beanie", "cap", "brim"], p=[0.85, 0.06, 0.06, 0.03]))
    glasses = str(rng.choice(["round", "square", "sun"], p=[0.4, 0.45, 0.15]))
    return Outfit(
        outfit_id=outfit_id,
        top=clothes.top,
        bottom=clothes.bottom,
        sleeve=clothes.sleeve,
        leg=clothes.leg,
        skirt_m=clothes.skirt_m,
        dress=clothes.dress,
        loose=float(rng.uniform(1.0, 1.2)),
        shoes=clamp_rgb(
            np.array(rng.choice([0.08, 0.2, 0.45, 0.85], p=[0.45, 0.25, 0.15, 0.15])) + rng.normal(0, 0.04, 3)
        ),
        glasses=glasses if rng.random() < person.wears_glasses else "none",
        glasses_color=clamp_rgb(np.array([0.08, 0.07, 0.07]) + rng.uniform(0, 0.5) * rng.random(3)),
        hat=hat,
        hat_color=_color(rng, _TOP_NEUTRAL),
        hair_style=person.hair.style if rng.random() < 0.65 else person.hair.alternative,
    )


def _cloth(rng: np.random.Generator, patterns: tuple[str, ...], weights: tuple[float, ...], neutral: float) -> Cloth:
    pattern = str(rng.choice(list(patterns), p=np.array(weights) / sum(weights)))
    first = _color(rng, neutral)
    second = _color(rng, neutral)
    if sum(abs(x - y) for x, y in zip(first, second, strict=True)) < 0.4:
        second = clamp_rgb(np.array(first) * 0.45 if sum(first) > 0.9 else np.array(first) * 0.4 + 0.42)
    return Cloth(first, second, pattern, float(rng.uniform(0.035, 0.10)))


def _color(rng: np.random.Generator, neutral: float) -> RGB:
    """Colour of cloth: a share of `neutral` among the colours everyone wears, the rest any hue, rather muted."""
    if rng.random() < neutral:
        base = _COMMON[rng.choice(len(_COMMON), p=_COMMON_SHARE)]
        return clamp_rgb(base * rng.uniform(0.85, 1.15) + rng.normal(0, 0.012, 3))
    hue, saturation, value = rng.random(), rng.uniform(0.2, 0.75), rng.uniform(0.2, 0.75)
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    return clamp_rgb(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
