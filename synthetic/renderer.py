"""Draws scenes with OpenGL on a software device (EGL, no screen): picture, id buffer and coverage of each person."""

from dataclasses import dataclass
from typing import Any, Final, Self

import cv2
import moderngl
import numpy as np

from synthetic import head_asset, shaders
from synthetic.body import PART_BODY, PART_FACE, PART_HEAD, Actor, add_body, add_chair, part_id
from synthetic.camera import Camera
from synthetic.gl_tools import Scope, head_attributes, put
from synthetic.head_mesh import FACE_AZIMUTH, FACE_HIGH, FACE_LOW, grid
from synthetic.head_store import HeadStore
from synthetic.mesh_batch import MeshBatch
from synthetic.outline import Outline, trace_outline
from synthetic.pose import Skeleton, solve
from synthetic.room import Light, Room, room_textures
from synthetic.types import F32, I32, U8

MAX_ACTORS: Final = 8
_FINE_FROM_PX: Final = 75.0
_SHADOW_M: Final = 0.75
_PROGRAMS: Final = {
    "head": (shaders.HEAD_VERTEX, shaders.HEAD_FRAGMENT),
    "hair": (shaders.HAIR_VERTEX, shaders.HAIR_FRAGMENT),
    "body": (shaders.BODY_VERTEX, shaders.BODY_FRAGMENT),
    "room": (shaders.ROOM_VERTEX, shaders.ROOM_FRAGMENT),
    "shadow": (shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT),
    "head_cover": (shaders.HEAD_VERTEX, shaders.HEAD_COVER),
    "hair_cover": (shaders.HAIR_VERTEX, shaders.HAIR_COVER),
    "body_cover": (shaders.BODY_VERTEX, shaders.BODY_COVER),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn frame.

    `image` uint8[H, W, 3] RGB; `ids` uint8[H/2, W/2] holds slot * 4 + part of what is seen (0 = no person);
    `cover` uint8[H/2, W/2, 8] what each person alone would cover (0, 84 body, 168 head, 255 face), None when not
    asked for; `outlines` and `bones` hold one entry for each person.
    """

    image: U8
    ids: U8
    cover: U8 | None
    outlines: list[Outline]
    bones: list[Skeleton]


@dataclass(frozen=True, slots=True)
class _Cast:
    """The people of one frame on their way to the device."""

    actors: list[Actor]
    bones: list[Skeleton]
    vertices: F32
    index: I32
    spans: list[tuple[int, int]]


class Renderer:
    """Owns the GL context; not thread-safe; use one per process and `close` it (or `with`)."""

    def __init__(self, width: int = 1280, height: int = 720, skin_px: int = 256, keep: int = 400) -> None:
        """Open a context.

        Args:
            width: frame width in pixels (even).
            height: frame height in pixels (even).
            skin_px: edge of the skin pictures; 256 for films, 512 for portraits.
            keep: how many heads stay built.

        Raises:
            RuntimeError: no EGL device; the message names the packages to install.
        """
        options: dict[str, Any] = {"backend": "egl"}
        try:
            ctx = moderngl.create_standalone_context(**options)
        except Exception as error:
            message = f"no EGL device to draw on ({error}); install Mesa's libegl1 and libgl1-mesa-dri"
            raise RuntimeError(message) from error
        self._ctx, self._size = ctx, (width, height)
        self._programs = {k: ctx.program(vertex_shader=v, fragment_shader=f) for k, (v, f) in _PROGRAMS.items()}
        self._frame, self._backdrop = self._surface(), self._surface()
        self._backdrop_of: tuple[Camera, Room, Light, float] | None = None
        half = (width // 2, height // 2)
        self._cover = ctx.framebuffer([ctx.texture(half, 4), ctx.texture(half, 4)])
        self._patterns = self._pattern_array()
        self._fine_index = ctx.buffer(grid(*head_asset.FINE).index.tobytes())
        self._coarse_index = ctx.buffer(grid(*head_asset.COARSE).index.tobytes())
        self._heads = HeadStore(ctx, skin_px=skin_px, keep=keep)

    def __enter__(self) -> Self:
        """Return the renderer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Release the GL context and all that lives in it."""
        self._ctx.release()

    def draw(
        self,
        camera: Camera,
        room: Room,
        light: Light,
        actors: list[Actor],
        *,
        vignette: float = 0.3,
        cover: bool = True,
        still: bool = False,
    ) -> Drawn:
        """Draw one frame of at most `MAX_ACTORS` actors.

        Args:
            camera: where from.
            room: where; the same object for all frames of a shot.
            light: the light of the scene.
            actors: who.
            vignette: how much darker the corners are, 0..1.
            cover: also find what each person alone would cover.
            still: promise that camera, room and light stay for the next frames, so that the room is drawn once.

        Raises:
            ValueError: too many actors.
        """
        if len(actors) > MAX_ACTORS:
            message = f"got {len(actors)} actors in one frame, the id buffer holds {MAX_ACTORS}: split them over shots"
            raise ValueError(message)
        cast = self._assemble(actors)
        self._set_light(camera, light, vignette)
        ctx = self._ctx
        if still:
            self._start_from_backdrop((camera, room, light, vignette), cast.bones)
        else:
            self._frame.use()
            self._frame.clear(0.0, 0.0, 0.0, 1.0)
        ctx.enable_only(moderngl.DEPTH_TEST)
        with Scope() as scope:
            self._draw_people(scope, camera, cast, "")
            # The room comes last: what people hide is not shaded.
            if not still:
                self._draw_room(room, cast.bones)
            image, ids = self._read()
            covered = self._draw_cover(scope, camera, cast) if cover else None
        return Drawn(image, ids, covered, self._outlines(cast), cast.bones)

    def _surface(self) -> moderngl.Framebuffer:
        ctx, size = self._ctx, self._size
        return ctx.framebuffer([ctx.texture(size, 4), ctx.texture(size, 1)], ctx.depth_renderbuffer(size))

    def _pattern_array(self) -> moderngl.TextureArray:
        pictures = room_textures()
        layers, height, width = pictures.shape
        array = self._ctx.texture_array((width, height, layers), 1, pictures.tobytes())
        array.build_mipmaps()
        array.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        return array

    def _assemble(self, actors: list[Actor]) -> _Cast:
        bones = [solve(actor.person, actor.pose) for actor in actors]
        vertices, indices, spans, count = [np.zeros((0, 18), np.float32)], [np.zeros((0, 3), np.int32)], [], 0
        for slot, (actor, bone) in enumerate(zip(actors, bones, strict=True)):
            batch = MeshBatch()
            add_body(batch, actor, bone, slot, self._heads.head(actor.person).fine.eyes)
            if actor.chair:
                add_chair(batch, actor, bone)
            own, triangles = batch.arrays()
            vertices.append(own)
            indices.append(triangles + np.int32(count))
            spans.append((count, count + len(own)))
            count += len(own)
        return _Cast(actors, bones, np.concatenate(vertices), np.concatenate(indices), spans)

    def _outlines(self, cast: _Cast) -> list[Outline]:
        return [
            trace_outline(self._heads, actor, bone, slot, cast.vertices[start:end])
            for slot, (actor, bone, (start, end)) in enumerate(zip(cast.actors, cast.bones, cast.spans, strict=True))
        ]

    def _read(self) -> tuple[U8, U8]:
        width, height = self._size
        color, ident = (
            np.frombuffer(self._frame.read(components=n, attachment=k), np.uint8) for k, n in ((0, 4), (1, 1))
        )
        image = cv2.cvtColor(color.reshape(height, width, 4), cv2.COLOR_RGBA2RGB)
        return np.asarray(image, dtype=np.uint8), ident.reshape(height, width)[::2, ::2].copy()

    def _draw_people(self, scope: Scope, camera: Camera, cast: _Cast, suffix: str) -> None:
        if not cast.actors:
            return
        vbo = scope.keep(self._ctx.buffer(cast.vertices.tobytes()))
        ibo = scope.keep(self._ctx.buffer(cast.index.tobytes()))
        layout: tuple[str, ...] = ("3f 3f 3f 3f 2f 4f", "in_position", "in_normal", "in_a", "in_b", "in_uv", "in_misc")
        if suffix:
            layout = ("3f 3x4 3x4 3x4 2x4 4f", "in_position", "in_misc")
        scope.keep(self._ctx.vertex_array(self._programs["body" + suffix], [(vbo, *layout)], ibo)).render()
        for slot, (actor, bone) in enumerate(zip(cast.actors, cast.bones, strict=True)):
            self._draw_head(scope, camera, actor, bone, slot, suffix)

    def _draw_cover(self, scope: Scope, camera: Camera, cast: _Cast) -> U8:
        """Draw everybody without depth, one channel each, the larger part code winning."""
        ctx = self._ctx
        self._cover.use()
        self._cover.clear(0.0, 0.0, 0.0, 0.0)
        ctx.enable_only(moderngl.BLEND)
        ctx.blend_equation = moderngl.MAX  # type: ignore[assignment]
        ctx.blend_func = moderngl.ONE, moderngl.ONE
        self._draw_people(scope, camera, cast, "_cover")
        ctx.enable_only(moderngl.DEPTH_TEST)
        h, w = self._size[1] // 2, self._size[0] // 2
        parts = [np.frombuffer(self._cover.read(components=4, attachment=k), np.uint8).reshape(h, w, 4) for k in (0, 1)]
        return np.concatenate(parts, -1)

    def _start_from_backdrop(self, key: tuple[Camera, Room, Light, float], bones: list[Skeleton]) -> None:
        """Start the frame from the empty room, drawn when it is new, and lay shadows on the floor."""
        ctx, last = self._ctx, self._backdrop_of
        if last is None or last[0] != key[0] or last[1] is not key[1] or last[2:] != key[2:]:
            self._backdrop.use()
            ctx.enable_only(moderngl.DEPTH_TEST)
            self._backdrop.clear(0.0, 0.0, 0.0, 1.0)
            self._draw_room(key[1], [])
            self._backdrop_of = key
        ctx.copy_framebuffer(self._frame, self._backdrop)
        self._frame.use()
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        ctx.blend_equation = moderngl.FUNC_ADD  # type: ignore[assignment]
        ctx.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        self._frame.depth_mask = False
        corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], np.float32)
        quads = [np.concatenate([corner * _SHADOW_M + _between_feet(bone), corner], 1) for bone in bones]
        if quads:
            with Scope() as scope:
                vbo = scope.keep(ctx.buffer(np.concatenate(quads).astype("f4").tobytes()))
                content = [(vbo, "2f 2f", "in_floor", "in_local")]
                scope.keep(ctx.vertex_array(self._programs["shadow"], content)).render()
        self._frame.depth_mask = True

    def _set_light(self, camera: Camera, light: Light, vignette: float) -> None:
        values: dict[str, object] = {
            "view_projection": (camera.projection() @ camera.view()).T.astype("f4").tobytes(),
            "eye": camera.eye,
            "key_dir": light.key_direction,
            "key_col": light.key,
            "fill_dir": light.fill_direction,
            "fill_col": light.fill,
            "sky_col": light.sky,
            "ground_col": light.ground,
            "exposure": light.exposure,
            "vignette": vignette,
            "frame": tuple(map(float, self._size)),
        }
        for program in self._programs.values():
            put(program, values)

    def _draw_room(self, room: Room, bones: list[Skeleton]) -> None:
        program, ctx = self._programs["room"], self._ctx
        feet = np.zeros((MAX_ACTORS, 4), np.float32)
        for k, bone in enumerate(bones):
            x, z = _between_feet(bone)
            feet[k] = (x, z, 1 / _SHADOW_M, 0.6)
        self._patterns.use(0)
        half = (room.half_width, room.half_depth)
        put(program, {"feet": feet.tobytes(), "feet_count": len(bones), "room_half": half, "patterns": 0})
        layout = ("3f 3f 3f 3f 3f", "in_position", "in_normal", "in_uvl", "in_a", "in_b")
        with Scope() as scope:
            vbo = scope.keep(ctx.buffer(room.vertices.tobytes()))
            ibo = scope.keep(ctx.buffer(room.index.tobytes()))
            scope.keep(ctx.vertex_array(program, [(vbo, *layout)], ibo)).render()

    def _draw_head(self, scope: Scope, camera: Camera, actor: Actor, bone: Skeleton, slot: int, suffix: str) -> None:
        distance = float(np.linalg.norm(np.array(camera.eye) - bone.head[:3, 3]))
        fine = suffix == "" and camera.focal_px * 0.16 / max(distance, 0.1) > _FINE_FROM_PX
        index = self._fine_index if fine else self._coarse_index
        values = self._head_values(actor, bone, slot)
        head, program = self._heads.head(actor.person), self._programs["head" + suffix]
        head.texture.use(1)
        put(program, values)
        vbo = head.fine_vbo if fine else head.coarse_vbo
        scope.keep(self._ctx.vertex_array(program, head_attributes(program, vbo), index)).render()
        program = self._programs["hair" + suffix]
        for kind in ("hair", "hat"):
            shell = self._heads.shell(actor.person, actor.outfit, kind)
            if shell is None:
                continue
            color = actor.person.hair.color if kind == "hair" else actor.outfit.hat_color
            put(program, {**values, "hair_color": color, "strands": 1.0 if kind == "hair" else 0.0})
            vbo = shell.fine_vbo if fine else shell.coarse_vbo
            scope.keep(self._ctx.vertex_array(program, head_attributes(program, vbo), index)).render()

    def _head_values(self, actor: Actor, bone: Skeleton, slot: int) -> dict[str, object]:
        person, pose, place = actor.person, actor.pose, self._heads.head(actor.person).fine.layout
        return {
            "model": bone.head.T.astype("f4").tobytes(),
            "skin": 1,
            "jaw": pose.mouth_open,
            "mouth_y": place.mouth_y,
            "eye_box": (place.eye_x, place.eye_y, place.eye_w, place.eye_h),
            "eye_state": (place.eye_tilt, pose.blink, pose.gaze_x, pose.gaze_y),
            "mouth_box": (place.mouth_y, place.mouth_w, place.lip_upper, place.lip_lower),
            "mouth_state": (pose.mouth_open, pose.smile, person.skin.lip_strength, 0.0),
            "iris_color": person.eye_color,
            "lip_color": person.skin.lip_color,
            "skin_color": person.skin.color,
            "curl": person.hair.curl,
            "head_id": part_id(slot, PART_HEAD),
            "face_id": part_id(slot, PART_FACE),
            "body_id": part_id(slot, PART_BODY),
            "face_limits": (FACE_AZIMUTH, FACE_LOW, FACE_HIGH, 0.0),
        }


def _between_feet(bone: Skeleton) -> F32:
    middle = (bone.ankles[0] + bone.ankles[1]) / 2
    return np.asarray(middle[[0, 2]], dtype=np.float32)
