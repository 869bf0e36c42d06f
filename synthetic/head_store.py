"""Heads and hair on the graphics device: built at first use, the least recently used dropped."""

from collections import OrderedDict
from dataclasses import dataclass

import moderngl

from synthetic import head_asset
from synthetic.head_asset import HeadShape
from synthetic.identity import Identity
from synthetic.outfit import Outfit
from synthetic.skin import paint_skin
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class HeadBuffers:
    """Mesh of a head at both levels of detail, and its skin."""

    fine: HeadShape
    coarse: HeadShape
    fine_vbo: moderngl.Buffer
    coarse_vbo: moderngl.Buffer
    texture: moderngl.Texture

    def release(self) -> None:
        """Free the device memory."""
        for thing in (self.fine_vbo, self.coarse_vbo, self.texture):
            thing.release()


@dataclass(frozen=True, slots=True)
class ShellBuffers:
    """Hair or hat at both levels of detail; `coarse` float32[V, 9] stays for the truth."""

    fine_vbo: moderngl.Buffer
    coarse_vbo: moderngl.Buffer
    coarse: F32

    def release(self) -> None:
        """Free the device memory."""
        self.fine_vbo.release()
        self.coarse_vbo.release()


class HeadStore:
    """Keeps the heads of up to `keep` people, skins of `skin_px` pixels, in the context `ctx`."""

    def __init__(self, ctx: moderngl.Context, *, skin_px: int, keep: int) -> None:
        self._ctx, self._skin_px, self._keep = ctx, skin_px, keep
        self._heads: OrderedDict[tuple[int, int], HeadBuffers] = OrderedDict()
        self._shells: OrderedDict[tuple[int, int, str, str], ShellBuffers] = OrderedDict()

    def head(self, person: Identity) -> HeadBuffers:
        """Return the head of a person."""
        key = (person.cast_seed, person.index)
        if key not in self._heads:
            self._heads[key] = self._build(person)
            if len(self._heads) > self._keep:
                self._heads.popitem(last=False)[1].release()
        self._heads.move_to_end(key)
        return self._heads[key]

    def shell(self, person: Identity, outfit: Outfit, kind: str) -> ShellBuffers | None:
        """Return the "hair" or the "hat" of a person in an outfit, or None when there is none."""
        if (kind == "hat" and outfit.hat == "none") or (kind == "hair" and not head_asset.has_hair(outfit)):
            return None
        key = (person.cast_seed, person.index, kind + outfit.hair_style, outfit.hat)
        if key not in self._shells:
            self._shells[key] = self._build_shell(person, outfit, kind)
            if len(self._shells) > 2 * self._keep:
                self._shells.popitem(last=False)[1].release()
        self._shells.move_to_end(key)
        return self._shells[key]

    def _build(self, person: Identity) -> HeadBuffers:
        fine, coarse = head_asset.build_head(person, head_asset.FINE), head_asset.build_head(person, head_asset.COARSE)
        texture = self._ctx.texture((self._skin_px, self._skin_px), 4, paint_skin(person, self._skin_px).tobytes())
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        buffers = [self._ctx.buffer(shape.vertices.tobytes()) for shape in (fine, coarse)]
        return HeadBuffers(fine, coarse, buffers[0], buffers[1], texture)

    def _build_shell(self, person: Identity, outfit: Outfit, kind: str) -> ShellBuffers:
        head = self.head(person)
        if kind == "hair":
            made = [head_asset.build_hair(person, outfit, shape) for shape in (head.fine, head.coarse)]
        else:
            made = [head_asset.build_hat(outfit, shape) for shape in (head.fine, head.coarse)]
        return ShellBuffers(self._ctx.buffer(made[0].tobytes()), self._ctx.buffer(made[1].tobytes()), made[1])
