"""What a person wears in one scene: clothes, shoes, glasses, hat, and whether the hair is up."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import RGB, Identity, clamp_rgb
from synthetic.types import generator

PLAIN: Final = 0
PATTERNS: Final = {"plain": 0, "stripes": 1, "pinstripes": 2, "checks": 3, "dots": 4, "jacket": 5, "print": 6}


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
    female = person.sex == "female"
    skirt = female and rng.random() < 0.35
    dress = skirt and rng.random() < 0.5
    top = _cloth(
        rng,
        ("plain", "stripes", "pinstripes", "checks", "dots", "jacket", "print"),
        (0.27, 0.16, 0.07, 0.12, 0.08, 0.2, 0.1),
    )
    bottom = (
        top if dress and top.pattern != "jacket" else _cloth(rng, ("plain", "pinstripes", "checks"), (0.84, 0.06, 0.10))
    )
    hat = str(rng.choice(["none", "beanie", "cap", "brim"], p=[0.87, 0.05, 0.05, 0.03]))
    loose_hair = rng.random() < 0.65
    return Outfit(
        outfit_id=f"o{wardrobe}-{number}",
        top=top,
        bottom=bottom,
        sleeve=1.0 if top.pattern == "jacket" else float(rng.choice([0.0, 0.28, 1.0], p=[0.1, 0.4, 0.5])),
        leg=0.0 if skirt else float(rng.choice([0.35, 1.0], p=[0.18, 0.82])),
        skirt_m=float(rng.uniform(0.32, 0.85)) if skirt else 0.0,
        dress=dress,
        loose=float(rng.uniform(1.0, 1.2)),
        shoes=clamp_rgb(np.array(rng.choice([0.08, 0.2, 0.45, 0.85])) + rng.normal(0, 0.05, 3)),
        glasses=str(rng.choice(["round", "square", "sun"], p=[0.4, 0.45, 0.15]))
        if rng.random() < person.wears_glasses
        else "none",
        glasses_color=clamp_rgb(np.array([0.08, 0.07, 0.07]) + rng.uniform(0, 0.5) * rng.random(3)),
        hat=hat,
        hat_color=_color(rng),
        hair_style=person.hair.style if loose_hair else person.hair.alternative,
    )


def _cloth(rng: np.random.Generator, patterns: tuple[str, ...], weights: tuple[float, ...]) -> Cloth:
    pattern = str(rng.choice(list(patterns), p=np.array(weights) / sum(weights)))
    first = _color(rng)
    second = _color(rng)
    if sum(abs(x - y) for x, y in zip(first, second, strict=True)) < 0.5:
        second = clamp_rgb(1 - 0.8 * np.array(first))
    return Cloth(first, second, pattern, float(rng.uniform(0.035, 0.10)))


def _color(rng: np.random.Generator) -> RGB:
    """Clothes: a third of them grey, navy, black or white, the rest any hue."""
    if rng.random() < 0.34:
        base = np.array(
            [[0.08, 0.08, 0.09], [0.92, 0.91, 0.88], [0.45, 0.46, 0.48], [0.10, 0.13, 0.27], [0.62, 0.53, 0.42]]
        )
        return clamp_rgb(base[rng.integers(len(base))] + rng.normal(0, 0.03, 3))
    hue, saturation, value = rng.random(), rng.uniform(0.35, 0.95), rng.uniform(0.25, 0.95)
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    return clamp_rgb(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
