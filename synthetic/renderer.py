"""Draws scenes with OpenGL on a software device (EGL, no screen): picture, id buffer and coverage of each person."""

from dataclasses import dataclass
from typing import Any, Final, Self

import cv2
import moderngl
import numpy as np

from synthetic import shaders
from synthetic.body import Actor
from synthetic.camera import Camera
from synthetic.gl_tools import Scope, Shader
from synthetic.outline import Outline
from synthetic.people import MAX_ACTORS, PeoplePainter
from synthetic.pose import Skeleton
from synthetic.room import Light, Room, room_textures
from synthetic.types import F32, U8

__all__ = ["MAX_ACTORS", "Drawn", "Renderer"]

_SHADOW_M: Final = 0.75


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn frame.

    `image` uint8[H, W, 3] RGB; `ids` uint8[H/2, W/2] holds slot * 4 + part of what is seen (0 = no person);
    `cover` uint8[H/2, W/2, people] what each person alone would cover (0, 84 body, 168 head, 255 face), None when not
    asked for; `outlines` and `bones` hold one entry for each person.
    """

    image: U8
    ids: U8
    cover: U8 | None
    outlines: list[Outline]
    bones: list[Skeleton]


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
        self._room = Shader(ctx, shaders.ROOM_VERTEX, shaders.ROOM_FRAGMENT)
        self._shadow = Shader(ctx, shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT)
        self._people = PeoplePainter(ctx, self._size, skin_px=skin_px, keep=keep)
        self._frame, self._backdrop = self._surface(), self._surface()
        self._backdrop_of: tuple[Camera, Room, Light, float] | None = None
        self._pixels = np.empty((height, width, 4), np.uint8)
        self._patterns = self._pattern_array()

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
        cast = self._people.assemble(actors, camera)
        self._set_light(camera, light, vignette)
        if still:
            self._start_from_backdrop((camera, room, light, vignette))
            self._lay_shadows(cast.bones)
        else:
            self._frame.use()
            self._frame.clear(0.0, 0.0, 0.0, 0.0)
        self._ctx.enable_only(moderngl.DEPTH_TEST)
        self._people.draw(camera, cast)
        if not still:
            # The room comes after the people: what they hide is not shaded.
            self._draw_room(room)
            self._lay_shadows(cast.bones)
        image, ids = self._read()
        covered = self._people.cover(cast) if cover else None
        return Drawn(image, ids, covered, self._people.outlines(cast), cast.bones)

    def _surface(self) -> moderngl.Framebuffer:
        ctx, size = self._ctx, self._size
        return ctx.framebuffer([ctx.texture(size, 4)], ctx.depth_renderbuffer(size))

    def _pattern_array(self) -> moderngl.TextureArray:
        pictures = room_textures()
        layers, height, width = pictures.shape
        array = self._ctx.texture_array((width, height, layers), 1, pictures.tobytes())
        array.build_mipmaps()
        array.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        return array

    def _read(self) -> tuple[U8, U8]:
        """Fetch the picture and, at half size, the ids that ride in its alpha channel."""
        self._frame.read_into(self._pixels, components=4)
        image = cv2.cvtColor(self._pixels, cv2.COLOR_RGBA2RGB)
        return np.asarray(image, dtype=np.uint8), self._pixels[::2, ::2, 3].copy()

    def _start_from_backdrop(self, key: tuple[Camera, Room, Light, float]) -> None:
        """Start the frame from the empty room, drawn when it is new."""
        ctx, last = self._ctx, self._backdrop_of
        if last is None or last[0] != key[0] or last[1] is not key[1] or last[2:] != key[2:]:
            self._backdrop.use()
            ctx.enable_only(moderngl.DEPTH_TEST)
            self._backdrop.clear(0.0, 0.0, 0.0, 0.0)
            self._draw_room(key[1])
            self._backdrop_of = key
        # A copy obeys the scissor of the surface in use, which the coverage pass leaves small.
        self._frame.use()
        ctx.copy_framebuffer(self._frame, self._backdrop)

    def _lay_shadows(self, bones: list[Skeleton]) -> None:
        """Darken the floor under everybody, leaving depth and ids as they are."""
        if not bones:
            return
        ctx = self._ctx
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        ctx.blend_equation = moderngl.FUNC_ADD  # type: ignore[assignment]
        factors = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE)
        ctx.blend_func = factors  # type: ignore[assignment]
        self._frame.depth_mask = False
        corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], np.float32)
        quads = [np.concatenate([corner * _SHADOW_M + _between_feet(bone), corner], 1) for bone in bones]
        with Scope() as scope:
            vbo = scope.keep(ctx.buffer(np.concatenate(quads).astype("f4").tobytes()))
            content = [(vbo, "2f 2f", "in_floor", "in_local")]
            scope.keep(ctx.vertex_array(self._shadow.program, content)).render()
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
        self._people.light(values)
        self._room.put(values)
        self._shadow.put(values)

    def _draw_room(self, room: Room) -> None:
        self._patterns.use(0)
        self._room.put({"room_half": (room.half_width, room.half_depth), "patterns": 0})
        layout = self._room.layout({"in_position": 3, "in_normal": 3, "in_uvl": 3, "in_a": 3, "in_b": 3})
        with Scope() as scope:
            vbo = scope.keep(self._ctx.buffer(room.vertices.tobytes()))
            ibo = scope.keep(self._ctx.buffer(room.index.tobytes()))
            scope.keep(self._ctx.vertex_array(self._room.program, [(vbo, *layout)], ibo)).render()


def _between_feet(bone: Skeleton) -> F32:
    middle = (bone.ankles[0] + bone.ankles[1]) / 2
    return np.asarray(middle[[0, 2]], dtype=np.float32)
