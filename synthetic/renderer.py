"""Draws scenes with OpenGL on a software device (EGL, no screen): picture, id buffer and coverage of each person."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Self, TypeVar

import cv2
import moderngl
import numpy as np

from synthetic import head_asset, shaders
from synthetic.body import PART_BODY, PART_FACE, PART_HEAD, Actor, add_body, part_id
from synthetic.camera import Camera
from synthetic.head_asset import HeadShape
from synthetic.head_mesh import FACE_AZIMUTH, FACE_HIGH, FACE_LOW, HEAD_UNIT_M
from synthetic.identity import Identity
from synthetic.mesh_batch import MeshBatch
from synthetic.outfit import Outfit
from synthetic.pose import Skeleton, solve
from synthetic.room import Light, Room, room_textures
from synthetic.skin import paint_skin
from synthetic.types import F32, U8

MAX_ACTORS: Final = 8
_FINE_FROM_PX: Final = 75.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn frame.

    `image` uint8[H, W, 3] RGB; `ids` uint8[H/2, W/2] holds slot * 4 + part of what is seen (0 = no person);
    `cover` uint8[H/2, W/2, 8] what each person alone would cover (0, 84 body, 168 head, 255 face), None when not asked for;
    `bodies` are the drawn world points float32[V, 3] of each person; `heads`/`faces` likewise; `bones` the joints.
    """

    image: U8
    ids: U8
    cover: U8 | None
    bodies: list[F32]
    heads: list[F32]
    faces: list[F32]
    bones: list[Skeleton]


@dataclass(slots=True)
class _HeadBuffers:
    shape: HeadShape
    coarse: HeadShape
    fine_vbo: moderngl.Buffer
    coarse_vbo: moderngl.Buffer
    texture: moderngl.Texture


@dataclass(slots=True)
class _Shell:
    fine_vbo: moderngl.Buffer
    coarse_vbo: moderngl.Buffer
    coarse: F32


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
        try:
            self._ctx = moderngl.create_standalone_context(backend="egl")
        except Exception as error:
            raise RuntimeError(f"no EGL device to draw on ({error}); install Mesa's libegl1 and libgl1-mesa-dri") from error
        self._size, self._skin_px, self._keep = (width, height), skin_px, keep
        ctx = self._ctx
        self._programs = {
            "head": ctx.program(vertex_shader=shaders.HEAD_VERTEX, fragment_shader=shaders.HEAD_FRAGMENT),
            "hair": ctx.program(vertex_shader=shaders.HAIR_VERTEX, fragment_shader=shaders.HAIR_FRAGMENT),
            "body": ctx.program(vertex_shader=shaders.BODY_VERTEX, fragment_shader=shaders.BODY_FRAGMENT),
            "shadow": ctx.program(vertex_shader=shaders.SHADOW_VERTEX, fragment_shader=shaders.SHADOW_FRAGMENT),
            "room": ctx.program(vertex_shader=shaders.ROOM_VERTEX, fragment_shader=shaders.ROOM_FRAGMENT),
            "head_cover": ctx.program(vertex_shader=shaders.HEAD_VERTEX, fragment_shader=shaders.HEAD_COVER),
            "hair_cover": ctx.program(vertex_shader=shaders.HAIR_VERTEX, fragment_shader=shaders.HAIR_COVER),
            "body_cover": ctx.program(vertex_shader=shaders.BODY_VERTEX, fragment_shader=shaders.BODY_COVER),
        }
        self._color = ctx.texture((width, height), 4)
        self._ident = ctx.texture((width, height), 1)
        self._frame = ctx.framebuffer([self._color, self._ident], ctx.depth_renderbuffer((width, height)))
        self._backdrop = ctx.framebuffer([ctx.texture((width, height), 4), ctx.texture((width, height), 1)], ctx.depth_renderbuffer((width, height)))
        self._backdrop_of: tuple[Camera, int, Light, float] | None = None
        half = (width // 2, height // 2)
        self._cover = ctx.framebuffer([ctx.texture(half, 4), ctx.texture(half, 4)])
        pictures = room_textures()
        self._patterns = ctx.texture_array((pictures.shape[2], pictures.shape[1], pictures.shape[0]), 1, pictures.tobytes())
        self._patterns.build_mipmaps()
        self._patterns.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        self._fine_index = ctx.buffer(head_asset.grid(*head_asset.FINE).index.tobytes())
        self._coarse_index = ctx.buffer(head_asset.grid(*head_asset.COARSE).index.tobytes())
        self._heads: OrderedDict[tuple[int, int], _HeadBuffers] = OrderedDict()
        self._shells: OrderedDict[tuple[int, int, str, str], _Shell] = OrderedDict()

    def __enter__(self) -> Self:
        """Return the renderer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Release the GL context and all that lives in it."""
        self._ctx.release()

    def draw(self, camera: Camera, room: Room, light: Light, actors: list[Actor], *, vignette: float = 0.3, cover: bool = True, still: bool = False) -> Drawn:
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
            raise ValueError(f"got {len(actors)} actors in one frame, the id buffer holds {MAX_ACTORS}: split them over shots")
        bones = [solve(actor.person, actor.pose) for actor in actors]
        heads = [self._head(actor.person) for actor in actors]
        vertices, index, spans = self._body_arrays(actors, bones, heads)
        matrix = (camera.projection() @ camera.view()).T.astype("f4").tobytes()
        self._set_light(camera, light, vignette, matrix)
        ctx = self._ctx
        if still:
            self._reuse_backdrop((camera, id(room), light, vignette), room, bones)
        self._frame.use()
        ctx.enable_only(moderngl.DEPTH_TEST)
        if not still:
            self._frame.clear(0.0, 0.0, 0.0, 1.0)
        with _Scope() as scope:
            if len(vertices):
                vbo, ibo = scope.keep(ctx.buffer(vertices.tobytes())), scope.keep(ctx.buffer(index.tobytes()))
                body = scope.keep(ctx.vertex_array(self._programs["body"], [(vbo, "3f 3f 3f 3f 2f 4f", "in_position", "in_normal", "in_a", "in_b", "in_uv", "in_misc")], ibo))
                body.render()
            for slot, (actor, bone, head) in enumerate(zip(actors, bones, heads, strict=True)):
                self._draw_head(scope, camera, actor, bone, head, slot, "")
            # The room comes last: what people hide is not shaded.
            if not still:
                self._draw_room(room, bones)
            image = cv2.cvtColor(np.frombuffer(self._color.read(), np.uint8).reshape(self._size[1], self._size[0], 4), cv2.COLOR_RGBA2RGB)
            ids = np.frombuffer(self._ident.read(), np.uint8).reshape(self._size[1], self._size[0])[::2, ::2].copy()
            covered = None
            if cover and len(vertices):
                covered = self._draw_cover(scope, camera, actors, bones, heads, vbo, ibo)
        return Drawn(np.asarray(image, dtype=np.uint8), ids, covered, *self._outline(actors, bones, heads, vertices, spans), bones)

    def _reuse_backdrop(self, key: tuple[Camera, int, Light, float], room: Room, bones: list[Skeleton]) -> None:
        """Start the frame from the empty room, drawn when it is new, and lay shadows on the floor."""
        ctx = self._ctx
        if key != self._backdrop_of:
            self._backdrop.use()
            ctx.enable_only(moderngl.DEPTH_TEST)
            self._backdrop.clear(0.0, 0.0, 0.0, 1.0)
            self._draw_room(room, [])
            self._backdrop_of = key
        ctx.copy_framebuffer(self._frame, self._backdrop)
        self._frame.use()
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        ctx.blend_equation, ctx.blend_func = moderngl.FUNC_ADD, (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA)
        self._frame.depth_mask = False
        corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], np.float32)
        with _Scope() as scope:
            for bone in bones:
                middle = (bone.ankles[0] + bone.ankles[1]) / 2
                at = np.concatenate([corner * 0.75 + middle[[0, 2]], corner], 1).astype("f4")
                vbo = scope.keep(ctx.buffer(at.tobytes()))
                scope.keep(ctx.vertex_array(self._programs["shadow"], [(vbo, "2f 2f", "in_floor", "in_local")])).render()
        self._frame.depth_mask = True

    def _draw_cover(self, scope: "_Scope", camera: Camera, actors: list[Actor], bones: list[Skeleton], heads: list[_HeadBuffers],
                    vbo: moderngl.Buffer, ibo: moderngl.Buffer) -> U8:  # fmt: skip
        ctx = self._ctx
        self._cover.use()
        self._cover.clear(0.0, 0.0, 0.0, 0.0)
        ctx.enable_only(moderngl.BLEND)
        ctx.blend_equation = moderngl.MAX
        ctx.blend_func = moderngl.ONE, moderngl.ONE
        scope.keep(ctx.vertex_array(self._programs["body_cover"], [(vbo, "3f 3x4 3x4 3x4 2x4 4f", "in_position", "in_misc")], ibo)).render()
        for slot, (actor, bone, head) in enumerate(zip(actors, bones, heads, strict=True)):
            self._draw_head(scope, camera, actor, bone, head, slot, "_cover")
        ctx.enable_only(moderngl.DEPTH_TEST)
        h, w = self._size[1] // 2, self._size[0] // 2
        parts = [np.frombuffer(self._cover.read(components=4, attachment=k), np.uint8).reshape(h, w, 4) for k in (0, 1)]
        return np.concatenate(parts, -1)

    def _set_light(self, camera: Camera, light: Light, vignette: float, matrix: bytes) -> None:
        values: dict[str, object] = {
            "eye": camera.eye, "key_dir": light.key_direction, "key_col": light.key, "fill_dir": light.fill_direction, "fill_col": light.fill,
            "sky_col": light.sky, "ground_col": light.ground, "exposure": light.exposure, "vignette": vignette, "frame": tuple(map(float, self._size)),
        }  # fmt: skip
        for program in self._programs.values():
            program["view_projection"].write(matrix)  # type: ignore[union-attr]
            for name, value in values.items():
                _put(program, name, value)

    def _draw_room(self, room: Room, bones: list[Skeleton]) -> None:
        program = self._programs["room"]
        feet = np.zeros((8, 4), np.float32)
        for k, bone in enumerate(bones):
            middle = (bone.ankles[0] + bone.ankles[1]) / 2
            feet[k] = (middle[0], middle[2], 1 / 0.75, 0.6)
        program["feet"].write(feet.tobytes())  # type: ignore[union-attr]
        _put(program, "feet_count", len(bones))
        _put(program, "room_half", (room.half_width, room.half_depth))
        self._patterns.use(0)
        _put(program, "patterns", 0)
        with _Scope() as scope:
            vbo, ibo = scope.keep(self._ctx.buffer(room.vertices.tobytes())), scope.keep(self._ctx.buffer(room.index.tobytes()))
            scope.keep(self._ctx.vertex_array(program, [(vbo, "3f 3f 3f 3f 3f", "in_position", "in_normal", "in_uvl", "in_a", "in_b")], ibo)).render()

    def _body_arrays(self, actors: list[Actor], bones: list[Skeleton], heads: list[_HeadBuffers]) -> tuple[F32, np.ndarray, list[tuple[int, int]]]:
        vertices, indices, spans, count = [], [], [], 0
        for slot, (actor, bone, head) in enumerate(zip(actors, bones, heads, strict=True)):
            batch = MeshBatch()
            add_body(batch, actor, bone, slot, head.shape.eyes)
            v, i = batch.arrays()
            vertices.append(v)
            indices.append(i + count)
            spans.append((count, count + len(v)))
            count += len(v)
        if not vertices:
            return np.zeros((0, 18), np.float32), np.zeros((0, 3), np.int32), []
        return np.concatenate(vertices), np.concatenate(indices), spans

    def _draw_head(self, scope: "_Scope", camera: Camera, actor: Actor, bone: Skeleton, head: _HeadBuffers, slot: int, suffix: str) -> None:
        distance = float(np.linalg.norm(np.array(camera.eye) - bone.head[:3, 3]))
        fine = suffix == "" and camera.focal_px * 0.16 / max(distance, 0.1) > _FINE_FROM_PX
        index = self._fine_index if fine else self._coarse_index
        program = self._programs["head" + suffix]
        self._set_head(program, actor, bone, head, slot)
        vbo = head.fine_vbo if fine else head.coarse_vbo
        scope.keep(self._ctx.vertex_array(program, _used(program, vbo), index)).render()
        for kind in ("hair", "hat"):
            shell = self._shell(actor.person, actor.outfit, head, kind)
            if shell is None:
                continue
            program = self._programs["hair" + suffix]
            self._set_head(program, actor, bone, head, slot)
            _put(program, "hair_color", actor.person.hair.color if kind == "hair" else actor.outfit.hat_color)
            _put(program, "strands", 1.0 if kind == "hair" else 0.0)
            _put(program, "curl", actor.person.hair.curl)
            scope.keep(self._ctx.vertex_array(program, _used(program, shell.fine_vbo if fine else shell.coarse_vbo), index)).render()

    def _set_head(self, program: moderngl.Program, actor: Actor, bone: Skeleton, head: _HeadBuffers, slot: int) -> None:
        person, pose, place = actor.person, actor.pose, head.shape.layout
        head.texture.use(1)
        program["model"].write(bone.head.T.astype("f4").tobytes())  # type: ignore[union-attr]
        values: dict[str, object] = {
            "skin": 1, "jaw": pose.mouth_open, "mouth_y": place.mouth_y,
            "eye_box": (place.eye_x, place.eye_y, place.eye_w, place.eye_h), "eye_state": (place.eye_tilt, pose.blink, pose.gaze_x, pose.gaze_y),
            "mouth_box": (place.mouth_y, place.mouth_w, place.lip_upper, place.lip_lower),
            "mouth_state": (pose.mouth_open, pose.smile, person.skin.lip_strength, 0.0),
            "iris_color": person.eye_color, "lip_color": person.skin.lip_color, "skin_color": person.skin.color,
            "head_id": part_id(slot, PART_HEAD), "face_id": part_id(slot, PART_FACE), "body_id": part_id(slot, PART_BODY),
            "face_limits": (FACE_AZIMUTH, FACE_LOW, FACE_HIGH, 0.0),
        }  # fmt: skip
        for name, value in values.items():
            _put(program, name, value)

    def _head(self, person: Identity) -> _HeadBuffers:
        key = (person.cast_seed, person.index)
        if key in self._heads:
            self._heads.move_to_end(key)
            return self._heads[key]
        fine, coarse = head_asset.build_head(person, head_asset.FINE), head_asset.build_head(person, head_asset.COARSE)
        texture = self._ctx.texture((self._skin_px, self._skin_px), 4, paint_skin(person, self._skin_px).tobytes())
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        made = _HeadBuffers(fine, coarse, self._ctx.buffer(fine.vertices.tobytes()), self._ctx.buffer(coarse.vertices.tobytes()), texture)
        self._heads[key] = made
        if len(self._heads) > self._keep:
            _, old = self._heads.popitem(last=False)
            for thing in (old.fine_vbo, old.coarse_vbo, old.texture):
                thing.release()
        return made

    def _shell(self, person: Identity, outfit: Outfit, head: _HeadBuffers, kind: str) -> _Shell | None:
        """Hair or hat buffers of a person, or None when there is none."""
        if (kind == "hat" and outfit.hat == "none") or (kind == "hair" and not head_asset.has_hair(outfit)):
            return None
        key = (person.cast_seed, person.index, kind + outfit.hair_style, outfit.hat)
        if key in self._shells:
            self._shells.move_to_end(key)
            return self._shells[key]
        if kind == "hair":
            fine, coarse = head_asset.build_hair(person, outfit, head.shape), head_asset.build_hair(person, outfit, head.coarse)
        else:
            fine, coarse = head_asset.build_hat(outfit, head.shape), head_asset.build_hat(outfit, head.coarse)
        made = _Shell(self._ctx.buffer(fine.tobytes()), self._ctx.buffer(coarse.tobytes()), coarse)
        self._shells[key] = made
        if len(self._shells) > 2 * self._keep:
            _, old = self._shells.popitem(last=False)
            old.fine_vbo.release()
            old.coarse_vbo.release()
        return made

    def _outline(self, actors: list[Actor], bones: list[Skeleton], heads: list[_HeadBuffers], vertices: F32,
                 spans: list[tuple[int, int]]) -> tuple[list[F32], list[F32], list[F32]]:  # fmt: skip
        bodies, skulls, faces = [], [], []
        for actor, bone, head, (start, end) in zip(actors, bones, heads, spans, strict=True):
            hair = self._shell(actor.person, actor.outfit, head, "hair")
            hat = self._shell(actor.person, actor.outfit, head, "hat")
            local = head_asset.head_extent(head.coarse, hair.coarse if hair else None, hat.coarse if hat else None)
            skull = local @ bone.head[:3, :3].T + bone.head[:3, 3]
            own = vertices[start:end]
            parts = own[np.abs(own[:, 17] - part_id(len(bodies), PART_HEAD)) < 1e-4, :3]
            loose = [] if hair is None else [hair.coarse[hair.coarse[:, 8] > 0.45, :3] @ bone.head[:3, :3].T + bone.head[:3, 3]]
            bodies.append(np.concatenate([own[:, :3], skull, *loose]).astype(np.float32))
            skulls.append(np.concatenate([skull, parts]).astype(np.float32))
            faces.append((head.coarse.face @ bone.head[:3, :3].T + bone.head[:3, 3]).astype(np.float32))
        return bodies, skulls, faces


_T = TypeVar("_T", moderngl.Buffer, moderngl.VertexArray)


class _Scope:
    """Releases GL objects when left."""

    def __init__(self) -> None:
        self._things: list[moderngl.Buffer | moderngl.VertexArray] = []

    def __enter__(self) -> Self:
        return self

    def keep(self, thing: _T) -> _T:
        self._things.append(thing)
        return thing

    def __exit__(self, *_: object) -> None:
        for thing in self._things:
            thing.release()


def _used(program: moderngl.Program, vbo: moderngl.Buffer) -> list[tuple[object, ...]]:
    """Describe the head layout, skipping attributes that the program has optimised away."""
    names = ["in_position", "in_normal", "in_surface"]
    parts = ["3f" if name in program else "3x4" for name in names]
    return [(vbo, " ".join(parts), *(name for name in names if name in program))]


def _put(program: moderngl.Program, name: str, value: object) -> None:
    """Set a uniform if the program uses it (the compiler drops unused ones)."""
    if name in program:
        program[name].value = value  # type: ignore[union-attr]
