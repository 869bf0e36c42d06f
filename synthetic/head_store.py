"""Heads and hair on the graphics device: built at first use, the least recently used dropped."""

from collections import OrderedDict
from dataclasses import dataclass

import moderngl

from synthetic import head_asset
from synthetic.hair import STYLES
from synthetic.head_asset import HeadShape
from synthetic.identity import Identity
from synthetic.outfit import Outfit
from synthetic.skin import paint_skin
from synthetic.types import F32, I32


@dataclass(frozen=True, slots=True)
class HeadLevel:
    """A head at one level of detail: vertices, and the triangles of all of it, of its plain skin, eyes and mouth."""

    vertices: moderngl.Buffer
    every: moderngl.Buffer
    plain: moderngl.Buffer
    eyes: moderngl.Buffer
    mouth: moderngl.Buffer

    def release(self) -> None:
        """Free the device memory."""
        for thing in (self.vertices, self.every, self.plain, self.eyes, self.mouth):
            thing.release()


@dataclass(frozen=True, slots=True)
class ShellLevel:
    """Hair or hat at one level of detail: vertices, triangles, and the plain skin that shows beside them.

    `open` tells that its inside may be seen (hair that hangs, hats).
    """

    vertices: moderngl.Buffer
    triangles: moderngl.Buffer
    skull: moderngl.Buffer
    open: bool

    def release(self) -> None:
        """Free the device memory."""
        for thing in (self.vertices, self.triangles, self.skull):
            thing.release()


@dataclass(frozen=True, slots=True)
class HeadBuffers:
    """Mesh of a head at both levels of detail, and its skin."""

    fine: HeadShape
    coarse: HeadShape
    fine_level: HeadLevel
    coarse_level: HeadLevel
    texture: moderngl.Texture

    def release(self) -> None:
        """Free the device memory."""
        for thing in (self.fine_level, self.coarse_level, self.texture):
            thing.release()


@dataclass(frozen=True, slots=True)
class ShellBuffers:
    """Hair or hat at both levels of detail; `coarse` float32[V, 9] stays for the truth."""

    fine_level: ShellLevel
    coarse_level: ShellLevel
    coarse: F32

    def release(self) -> None:
        """Free the device memory."""
        self.fine_level.release()
        self.coarse_level.release()


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
        return HeadBuffers(fine, coarse, self._head_level(fine, True), self._head_level(coarse, False), texture)

    def _head_level(self, shape: HeadShape, near: bool) -> HeadLevel:
        parts = head_asset.split_head(shape, near=near)
        return HeadLevel(
            self._put(shape.vertices),
            self._put(shape.grid.index),
            self._put(parts.plain),
            self._put(parts.eyes),
            self._put(parts.mouth),
        )

    def _build_shell(self, person: Identity, outfit: Outfit, kind: str) -> ShellBuffers:
        head = self.head(person)
        build = head_asset.build_hair if kind == "hair" else lambda _, *rest: head_asset.build_hat(*rest)
        inside = kind == "hat" or STYLES[outfit.hair_style].hang > 0
        levels = []
        for shape, near in ((head.fine, True), (head.coarse, False)):
            shell = build(person, outfit, shape)
            skull = head_asset.uncovered(head_asset.split_head(shape, near=near).plain, shell, shape.grid)
            triangles = head_asset.shell_triangles(shell, shape.grid)
            levels.append(ShellLevel(self._put(shell), self._put(triangles), self._put(skull), inside))
        return ShellBuffers(levels[0], levels[1], shell)

    def _put(self, values: F32 | I32) -> moderngl.Buffer:
        return self._ctx.buffer(values.tobytes())
