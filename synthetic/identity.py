"""Who a person is: everything about them that holds from film to film."""

from dataclasses import dataclass, replace

import numpy as np

from synthetic.kinship import between, has_relative, mix
from synthetic.traits import (
    EYE_ANCHORS,
    RGB,
    Build,
    FaceShape,
    FacialHair,
    Hair,
    Skin,
    Voice,
    clamp_rgb,
    draw_build,
    draw_facial_hair,
    draw_hair,
    draw_shape,
    draw_skin,
    draw_voice,
    ramp,
)
from synthetic.types import generator

__all__ = ["RGB", "Build", "FaceShape", "FacialHair", "Hair", "Identity", "Skin", "Voice", "clamp_rgb", "make_identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """One person of a cast."""

    cast_seed: int
    index: int
    sex: str
    age: float
    shape: FaceShape
    skin: Skin
    facial_hair: FacialHair
    hair: Hair
    eye_color: RGB
    build: Build
    voice: Voice
    wears_glasses: float
    skin_level: float
    relative: int | None = None

    @property
    def identity_id(self) -> str:
        """Global id, stable over films of one cast."""
        return f"c{self.cast_seed}-i{self.index}"

    def attributes(self) -> dict[str, object]:
        """Describe the person in plain words and numbers, for the truth file and for figures by group."""
        build = self.build
        return {
            "sex": self.sex,
            "apparent_age": round(self.age),
            "skin": round(self.skin_level, 3),
            "relative_of": None if self.relative is None else f"c{self.cast_seed}-i{self.relative}",
            "build": "heavy" if build.belly > 1.15 else "slim" if build.limb_width < 0.92 else "medium",
            "height_m": round(build.height_m, 3),
            "hair_color": [round(c, 3) for c in self.hair.color],
            "hair_style": self.hair.style,
            "eye_color": [round(c, 3) for c in self.eye_color],
            "beard": round(max(self.facial_hair.beard, self.facial_hair.goatee), 2),
            "voice": {
                "pitch": self.voice.pitch,
                "rate_wpm": self.voice.rate_wpm,
                "formant": round(self.voice.formant, 3),
            },
        }


def make_identity(cast_seed: int, index: int) -> Identity:
    """Draw person `index` of cast `cast_seed`; the same two numbers always give the same person.

    About one in seven is drawn as a relative of the person before them: the same sex, near in age, and close in face,
    skin, hair, build and voice (`kinship`).
    """
    own = _draw(cast_seed, index, None)
    if not has_relative(cast_seed, index):
        return own
    base = make_identity(cast_seed, index - 1)
    if own.sex != base.sex:
        own = _draw(cast_seed, index, base.sex)
    return _liken(own, base)


def _draw(cast_seed: int, index: int, sex: str | None) -> Identity:
    """Draw a person by themselves, of the given sex when there is one."""
    rng = generator(cast_seed, index)
    female = bool(rng.random() < 0.5) if sex is None else sex == "female"
    age = float(np.clip(18 + 62 * rng.beta(1.3, 1.9), 18, 80))
    skin_level = float(rng.random())
    skin = draw_skin(rng, skin_level, female=female)
    hair = draw_hair(rng, skin_level, age, female=female)
    return Identity(
        cast_seed=cast_seed,
        index=index,
        sex="female" if female else "male",
        age=age,
        shape=draw_shape(rng, female=female),
        skin=skin,
        facial_hair=draw_facial_hair(rng, female=female),
        hair=hair,
        eye_color=ramp(EYE_ANCHORS, float(np.clip(rng.beta(1.0, 1.5 + 3 * skin_level), 0, 1)), rng, 0.03),
        build=draw_build(rng, female=female),
        voice=draw_voice(rng, age, female=female),
        wears_glasses=0.85 if rng.random() < 0.22 else 0.04,
        skin_level=skin_level,
    )


def _liken(own: Identity, base: Identity) -> Identity:
    """Draw `own` close to `base`; what remains of `own` is what tells the two apart."""
    rng = generator(own.cast_seed, own.index, 12)
    same_style, same_beard = rng.random() < 0.75, rng.random() < 0.75
    hair = between(own.hair, base.hair, 0.8, ("style", "alternative", "recede") if same_style else ())
    facial_hair = between(
        own.facial_hair, base.facial_hair, 0.55, ("beard", "moustache", "goatee") if same_beard else ()
    )
    return replace(
        own,
        relative=base.index,
        age=own.age + (base.age - own.age) * 0.85,
        skin_level=own.skin_level + (base.skin_level - own.skin_level) * 0.93,
        shape=between(own.shape, base.shape, 0.62),
        skin=replace(between(own.skin, base.skin, 0.9), marks=own.skin.marks, texture_seed=own.skin.texture_seed),
        hair=hair,
        facial_hair=facial_hair,
        eye_color=mix(own.eye_color, base.eye_color, 0.7),
        build=between(own.build, base.build, 0.75),
        voice=between(own.voice, base.voice, 0.65),
    )
