"""Draws people: near ones first, so that what they hide is not shaded, and what each alone would cover."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import moderngl
import numpy as np

from synthetic import shaders
from synthetic.body import PART_BODY, PART_FACE, PART_HEAD, Actor, add_body, add_chair, part_id
from synthetic.camera import Camera
from synthetic.gl_tools import Scope, Shader
from synthetic.head_mesh import FACE_AZIMUTH, FACE_HIGH, FACE_LOW
from synthetic.head_store import HeadLevel, HeadStore, ShellLevel
from synthetic.mesh_batch import MeshBatch
from synthetic.outfit import PATTERNS
from synthetic.outline import Outline, trace_outline
from synthetic.pose import Skeleton, solve
from synthetic.types import F32, I32, U8

MAX_ACTORS: Final = 12
_FINE_FROM_PX: Final = 75.0
_BODY_FLOATS: Final = {"in_position": 3, "in_normal": 3, "in_a": 3, "in_b": 3, "in_uv": 2, "in_misc": 4}
_KIND: Final = 14  # column of the pattern in a body vertex


@dataclass(frozen=True, slots=True)
class _Standing:
    """One person of a frame on the way to the device; triangles count from the person's first vertex."""

    slot: int
    actor: Actor
    bones: Skeleton
    vertices: F32
    triangles: I32
    first: int
    distance: float


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one frame, by slot."""

    people: list[_Standing]

    @property
    def bones(self) -> list[Skeleton]:
        """Joints of each."""
        return [one.bones for one in self.people]

    def near_first(self) -> list[_Standing]:
        """Return the people from the nearest to the farthest."""
        return sorted(self.people, key=lambda one: one.distance)

    def vertices(self) -> F32:
        """Body vertices float32[V, 18] of everybody, by slot."""
        return np.concatenate([one.vertices for one in self.people])

    def patterned(self) -> dict[int, I32]:
        """Triangles int32[T, 3] into `vertices` of each pattern that is worn, those of near people first."""
        found: dict[int, list[I32]] = {}
        for one in self.near_first():
            kinds = one.vertices[one.triangles[:, 0], _KIND]
            for kind in np.unique(kinds):
                found.setdefault(int(kind), []).append(one.triangles[kinds == kind] + np.int32(one.first))
        return {kind: np.concatenate(parts) for kind, parts in sorted(found.items())}


class PeoplePainter:
    """Draws casts into the framebuffer in use; owns programs and heads in `ctx`."""

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int], *, skin_px: int, keep: int) -> None:
        """Compile; `size` is the frame in pixels, `skin_px` and `keep` are those of the `HeadStore`."""
        self._ctx, self._half = ctx, (size[0] // 2, size[1] // 2)
        self._heads = HeadStore(ctx, skin_px=skin_px, keep=keep)
        self._skin = {
            "plain": Shader(ctx, shaders.HEAD_VERTEX, shaders.HEAD_FRAGMENT),
            "eyes": Shader(ctx, shaders.HEAD_VERTEX, shaders.EYES_FRAGMENT),
            "mouth": Shader(ctx, shaders.HEAD_VERTEX, shaders.MOUTH_FRAGMENT),
        }
        self._hair = Shader(ctx, shaders.HAIR_VERTEX, shaders.HAIR_FRAGMENT)
        self._body = {k: Shader(ctx, shaders.BODY_VERTEX, shaders.body_fragment(k)) for k in PATTERNS.values()}
        self._head_cover = Shader(ctx, shaders.HEAD_VERTEX, shaders.HEAD_COVER)
        self._hair_cover = Shader(ctx, shaders.HAIR_VERTEX, shaders.HAIR_COVER)
        self._body_cover = Shader(ctx, shaders.BODY_VERTEX, shaders.BODY_COVER)
        # One piece for each person, one below the other.
        self._cover = ctx.framebuffer([ctx.texture((self._half[0], self._half[1] * MAX_ACTORS), 1)])

    def assemble(self, actors: list[Actor], camera: Camera) -> Cast:
        """Pose and dress everybody."""
        people, first = [], 0
        for slot, actor in enumerate(actors):
            bones, batch = solve(actor.person, actor.pose), MeshBatch()
            add_body(batch, actor, bones, slot, self._heads.head(actor.person).fine.eyes)
            if actor.chair:
                add_chair(batch, actor, bones)
            vertices, triangles = batch.arrays()
            distance = float(np.linalg.norm(np.array(camera.eye) - bones.head[:3, 3]))
            people.append(_Standing(slot, actor, bones, vertices, triangles, first, distance))
            first += len(vertices)
        return Cast(people)

    def outlines(self, cast: Cast) -> list[Outline]:
        """Trace everybody, by slot."""
        return [trace_outline(self._heads, p.actor, p.bones, p.slot, p.vertices) for p in cast.people]

    def light(self, values: dict[str, object]) -> None:
        """Set camera, light and exposure in all programs; `view_projection` is float32[4, 4] column by column."""
        for shader in [*self._skin.values(), self._hair, *self._body.values()]:
            shader.put(values)
        # Every other pixel of the id buffer is kept: half a pixel aside of the middle of a pixel of half size.
        aside = np.eye(4, dtype=np.float32)
        aside[3, :2] = 0.5 / self._half[0], 0.5 / self._half[1]
        columns = np.frombuffer(values["view_projection"], np.float32).reshape(4, 4)  # type: ignore[call-overload]
        shifted = {**values, "view_projection": (columns @ aside).tobytes()}
        for shader in (self._head_cover, self._hair_cover, self._body_cover):
            shader.put(shifted)

    def draw(self, camera: Camera, cast: Cast) -> None:
        """Draw everybody into the framebuffer in use, with its depth test."""
        if not cast.people:
            return
        ctx = self._ctx
        ctx.enable(moderngl.CULL_FACE)
        # The projection turns pictures upside down, which turns outsides into what GL calls backs.
        ctx.cull_face = "front"
        with Scope() as scope:
            for one in cast.near_first():
                self._draw_head(scope, one, fine=camera.focal_px * 0.16 / max(one.distance, 0.1) > _FINE_FROM_PX)
            patterned = cast.patterned()
            vbo = scope.keep(ctx.buffer(cast.vertices().tobytes()))
            ibo = scope.keep(ctx.buffer(np.concatenate(list(patterned.values())).tobytes()))
            start = 0
            for kind, triangles in patterned.items():
                shader = self._body[kind]
                vao = ctx.vertex_array(shader.program, [(vbo, *shader.layout(_BODY_FLOATS))], ibo)
                scope.keep(vao).render(vertices=triangles.size, first=start)
                start += triangles.size
        ctx.disable(moderngl.CULL_FACE)

    def cover(self, cast: Cast) -> U8:
        """Draw each person alone, without depth, the larger part code winning: uint8[H/2, W/2, people]."""
        ctx, (width, height) = self._ctx, self._half
        if not cast.people:
            return np.zeros((height, width, 0), np.uint8)
        target = self._cover
        target.use()
        target.viewport = target.scissor = (0, 0, width, height * len(cast.people))
        target.clear(0.0, 0.0, 0.0, 0.0)
        ctx.enable_only(moderngl.BLEND | moderngl.CULL_FACE)
        ctx.cull_face = "front"
        ctx.blend_equation = moderngl.MAX  # type: ignore[assignment]
        ctx.blend_func = moderngl.ONE, moderngl.ONE
        with Scope() as scope:
            layout = self._body_cover.layout(_BODY_FLOATS)
            for one in cast.people:
                target.viewport = target.scissor = (0, one.slot * height, width, height)
                vbo = scope.keep(ctx.buffer(one.vertices.tobytes()))
                ibo = scope.keep(ctx.buffer(one.triangles.tobytes()))
                scope.keep(ctx.vertex_array(self._body_cover.program, [(vbo, *layout)], ibo)).render()
                self._cover_head(scope, one)
        count = len(cast.people)
        data = target.read(viewport=(0, 0, width, height * count), components=1)
        return np.moveaxis(np.frombuffer(data, np.uint8).reshape(count, height, width), 0, -1)

    def _draw_head(self, scope: Scope, one: _Standing, *, fine: bool) -> None:
        head, values = self._heads.head(one.actor.person), self._head_values(one)
        level = head.fine_level if fine else head.coarse_level
        head.texture.use(1)
        shells = list(self._shells(one, fine=fine))
        skull = shells[0][0].skull if shells else level.plain
        for name, triangles in (("eyes", level.eyes), ("mouth", level.mouth), ("plain", skull)):
            self._skin[name].put(values)
            self._render(scope, self._skin[name], level, triangles)
        for shell, color, strands in shells:
            (self._ctx.disable if shell.open else self._ctx.enable)(moderngl.CULL_FACE)
            self._hair.put({**values, "hair_color": color, "strands": strands})
            self._render(scope, self._hair, shell, shell.triangles)
        self._ctx.enable(moderngl.CULL_FACE)

    def _cover_head(self, scope: Scope, one: _Standing) -> None:
        level, values = self._heads.head(one.actor.person).coarse_level, self._head_values(one)
        self._head_cover.put(values)
        self._render(scope, self._head_cover, level, level.every)
        self._hair_cover.put(values)
        for shell, _, _ in self._shells(one, fine=False):
            (self._ctx.disable if shell.open else self._ctx.enable)(moderngl.CULL_FACE)
            self._render(scope, self._hair_cover, shell, shell.triangles)
        self._ctx.enable(moderngl.CULL_FACE)

    def _shells(self, one: _Standing, *, fine: bool) -> Iterator[tuple[ShellLevel, tuple[float, float, float], float]]:
        """Yield hair and hat with their colour and the strength of their strands."""
        actor = one.actor
        for kind, color in (("hair", actor.person.hair.color), ("hat", actor.outfit.hat_color)):
            shell = self._heads.shell(actor.person, actor.outfit, kind)
            if shell is not None:
                yield shell.fine_level if fine else shell.coarse_level, color, 1.0 if kind == "hair" else 0.0

    def _render(self, scope: Scope, shader: Shader, level: HeadLevel | ShellLevel, triangles: moderngl.Buffer) -> None:
        content = [(level.vertices, *shader.head_layout())]
        scope.keep(self._ctx.vertex_array(shader.program, content, triangles)).render()

    def _head_values(self, one: _Standing) -> dict[str, object]:
        person, pose = one.actor.person, one.actor.pose
        place = self._heads.head(person).fine.layout
        return {
            "model": one.bones.head.T.astype("f4").tobytes(),
            "skin": 1,
            "jaw": pose.mouth_open,
            "mouth_y": place.mouth_y,
            "eye_box": (place.eye_x, place.eye_y, place.eye_w, place.eye_h),
            "eye_state": (place.eye_tilt, pose.blink, pose.gaze_x, pose.gaze_y),
            "mouth_box": (place.mouth_y, place.mouth_w, place.lip_upper, place.lip_lower),
            "mouth_state": (pose.mouth_open, pose.smile, person.skin.lip_strength, 0.0),
            "mouth_shape": (pose.mouth_wide, pose.mouth_press),
            "iris_color": person.eye_color,
            "lip_color": person.skin.lip_color,
            "skin_color": person.skin.color,
            "curl": person.hair.curl,
            "head_id": part_id(one.slot, PART_HEAD),
            "face_id": part_id(one.slot, PART_FACE),
            "body_id": part_id(one.slot, PART_BODY),
            "face_limits": (FACE_AZIMUTH, FACE_LOW, FACE_HIGH, 0.0),
        }
