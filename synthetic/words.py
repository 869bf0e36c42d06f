"""Names for what is seen: colours, clothes, hair; each with other words for the same, some held out of training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import RGB, Identity
from synthetic.outfit import Cloth, Outfit
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class Terms:
    """Words for one thing: the plain one, others for it, and others that no training text may use."""

    plain: str
    others: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()


# sRGB anchors; a colour is called by the nearest, in a space where greys stay together.
_COLORS: Final[tuple[tuple[RGB, Terms], ...]] = (
    ((0.06, 0.06, 0.07), Terms("black", ("jet black",), ("ebony",))),
    ((0.23, 0.23, 0.25), Terms("dark grey", ("charcoal", "dark gray"), ("anthracite",))),
    ((0.47, 0.47, 0.49), Terms("grey", ("gray",), ("slate",))),
    ((0.72, 0.72, 0.72), Terms("light grey", ("pale grey", "light gray"), ("silvery",))),
    ((0.94, 0.93, 0.91), Terms("white", ("snow white",), ("ivory",))),
    ((0.10, 0.13, 0.27), Terms("navy", ("dark blue", "navy blue"), ("midnight blue",))),
    ((0.25, 0.35, 0.52), Terms("denim blue", ("jeans blue",), ("steel blue",))),
    ((0.16, 0.30, 0.78), Terms("blue", ("bright blue",), ("azure",))),
    ((0.55, 0.72, 0.90), Terms("light blue", ("pale blue", "sky blue"), ("baby blue",))),
    ((0.10, 0.55, 0.55), Terms("teal", ("blue-green",), ("petrol",))),
    ((0.14, 0.28, 0.16), Terms("dark green", ("deep green",), ("bottle green",))),
    ((0.20, 0.62, 0.25), Terms("green", ("grass green",), ("emerald",))),
    ((0.36, 0.37, 0.20), Terms("olive", ("olive green", "khaki green"), ("army green",))),
    ((0.72, 0.80, 0.35), Terms("lime", ("yellow-green",), ("chartreuse",))),
    ((0.88, 0.78, 0.22), Terms("yellow", ("bright yellow",), ("golden",))),
    ((0.90, 0.52, 0.14), Terms("orange", ("bright orange",), ("tangerine",))),
    ((0.72, 0.63, 0.48), Terms("beige", ("tan", "sand"), ("camel",))),
    ((0.42, 0.27, 0.16), Terms("brown", ("chestnut",), ("chocolate",))),
    ((0.75, 0.14, 0.14), Terms("red", ("bright red",), ("crimson",))),
    ((0.36, 0.08, 0.12), Terms("dark red", ("burgundy", "maroon"), ("wine red",))),
    ((0.92, 0.60, 0.70), Terms("pink", ("light pink",), ("rose",))),
    ((0.80, 0.20, 0.55), Terms("magenta", ("hot pink",), ("fuchsia",))),
    ((0.45, 0.22, 0.62), Terms("purple", ("violet",), ("plum",))),
)
_HAIR: Final[tuple[tuple[RGB, Terms], ...]] = (
    ((0.07, 0.06, 0.06), Terms("black", ("jet black",), ("raven",))),
    ((0.22, 0.14, 0.09), Terms("dark brown", ("brunette",), ("umber",))),
    ((0.38, 0.24, 0.14), Terms("brown", ("chestnut",), ("hazel",))),
    ((0.50, 0.24, 0.12), Terms("red", ("ginger", "auburn"), ("copper",))),
    ((0.70, 0.48, 0.25), Terms("dark blond", ("light brown",), ("sandy",))),
    ((0.84, 0.68, 0.40), Terms("blond", ("blonde", "fair"), ("flaxen",))),
    ((0.74, 0.73, 0.72), Terms("grey", ("gray", "silver"), ("hoary",))),
)
_PATTERNS: Final[Mapping[str, Terms]] = {
    "stripes": Terms("striped", ("stripy",), ("banded",)),
    "pinstripes": Terms("pinstriped", ("finely striped",), ("needle-striped",)),
    "checks": Terms("checked", ("plaid", "checkered"), ("tartan",)),
    "dots": Terms("dotted", ("polka-dot", "spotted"), ("speckled",)),
    "print": Terms("patterned", ("printed",), ("motley",)),
}
_STYLES: Final[Mapping[str, Terms]] = {
    "buzz": Terms("very short {} hair", ("a {} buzz cut",), ("cropped {} hair",)),
    "bob": Terms("a {} bob", ("chin-length {} hair",), ("a {} pageboy",)),
    "ponytail": Terms("a {} ponytail", ("{} hair tied back",), ("a {} horse-tail",)),
    "bun": Terms("a {} bun", ("{} hair pinned up",), ("a {} chignon",)),
    "curly": Terms("curly {} hair", ("{} curls",), ("frizzy {} hair",)),
    "long": Terms("long {} hair", ("{} hair down the back",), ("flowing {} hair",)),
    "fringe_long": Terms("long {} hair with a fringe", ("long {} hair with bangs",), ()),
    "halfup": Terms("half-tied {} hair", ("{} hair half up",), ()),
}
_SHORT_HAIR: Final = Terms("short {} hair", ("{} short-cut hair",), ("close-cut {} hair",))
_BALD: Final = Terms("a bald head", ("no hair", "a shaved head"), ("a hairless head",))


def color_terms(color: RGB) -> Terms:
    """Return the words for a colour of clothes."""
    return _nearest(_COLORS, color)


def cloth_terms(cloth: Cloth) -> tuple[Terms, Terms | None]:
    """Return the words for the main colour of a cloth and for its pattern (None when it has none worth a word)."""
    return color_terms(cloth.color), _PATTERNS.get(cloth.pattern)


def top_terms(outfit: Outfit) -> Terms:
    """Return the words for what is worn above the waist (or for a dress)."""
    if outfit.dress and outfit.top.pattern != "jacket":
        return Terms("dress", ("frock",), ("gown",))
    if outfit.top.pattern == "jacket":
        return Terms("jacket", ("blazer",), ("sports coat",))
    if outfit.sleeve < 0.1:
        return Terms("sleeveless top", ("tank top",), ("singlet",))
    if outfit.sleeve < 0.6:
        return Terms("t-shirt", ("tee", "short-sleeved shirt"), ("jersey",))
    return Terms("sweater", ("pullover", "long-sleeved shirt"), ("jumper",))


def bottom_terms(outfit: Outfit) -> Terms | None:
    """Return the words for what is worn below the waist; None under a dress."""
    if outfit.dress and outfit.top.pattern != "jacket":
        return None
    if outfit.skirt_m > 0:
        return Terms("short skirt" if outfit.skirt_m < 0.5 else "long skirt", ("skirt",), ())
    if outfit.leg < 0.6:
        return Terms("shorts", ("short trousers",), ("bermudas",))
    if color_terms(outfit.bottom.color).plain == "denim blue":
        return Terms("trousers", ("jeans", "pants"), ("dungarees",))
    return Terms("trousers", ("pants", "slacks"), ("breeches",))


def hair_terms(person: Identity, outfit: Outfit) -> tuple[Terms, Terms | None]:
    """Return the words for the hair style, "{}" standing for the colour, and for that colour (None when bald)."""
    if outfit.hair_style == "bald":
        return _BALD, None
    return _STYLES.get(outfit.hair_style, _SHORT_HAIR), _nearest(_HAIR, person.hair.color)


def subject_terms(person: Identity) -> Terms:
    """Return the words for the person."""
    if person.age >= 62:
        if person.sex == "female":
            return Terms("elderly woman", ("old woman", "old lady"), ("granny",))
        return Terms("elderly man", ("old man", "older gentleman"), ("old-timer",))
    if person.sex == "female":
        young = Terms("young woman", ("girl", "woman"), ("lass",))
        return young if person.age < 28 else Terms("woman", ("lady",), ("dame",))
    young = Terms("young man", ("guy", "boy"), ("lad",))
    return young if person.age < 28 else Terms("man", ("guy", "gentleman"), ("fellow", "bloke"))


def _nearest(table: tuple[tuple[RGB, Terms], ...], color: RGB) -> Terms:
    want = _opponent(np.array(color, np.float32)[None])
    have = _opponent(np.array([c for c, _ in table], np.float32))
    return table[int(np.argmin(((have - want) ** 2).sum(1)))][1]


def _opponent(rgb: F32) -> F32:
    """Lightness, and red-green and blue-yellow weighted above it: hue tells more than shade."""
    r, g, b = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    light = (r + g + b) / 3
    return np.stack([light, 1.6 * (r - g), 1.3 * (b - (r + g) / 2)], -1)
