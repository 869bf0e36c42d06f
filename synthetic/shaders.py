"""GLSL of the renderer.

Colours come in as sRGB, are squared to be lit, and leave through a soft shoulder and a square root.
"""

from typing import Final

_LIT: Final = """
uniform vec3 eye, key_dir, key_col, fill_dir, fill_col, sky_col, ground_col;
uniform float exposure, vignette;
uniform vec2 frame;
// A sine by two parabolas (error 0.001): a fifth of the cost of sin() on a software device.
float wave(float x) {
    float u = x * 0.15915494; u -= floor(u + 0.5);
    float y = 8.0 * u - 16.0 * u * abs(u);
    return y + 0.225 * (y * abs(y) - y);
}
vec3 shade(vec3 srgb, vec3 n, vec3 p, float gloss, float wrap, float rim) {
    vec3 v = normalize(eye - p);
    float nk = dot(n, key_dir);
    float k = max((nk + wrap) / (1.0 + wrap), 0.0);
    float f = max(dot(n, fill_dir), 0.0);
    vec3 ambient = mix(ground_col, sky_col, n.y * 0.5 + 0.5);
    vec3 h = normalize(key_dir + v);
    float nh = max(dot(n, h), 0.0);
    float n4 = nh * nh; n4 *= n4;
    float spec = gloss * n4 * n4 * n4 * step(0.0, nk) * 0.45;
    float edge = 1.0 - max(dot(n, v), 0.0);
    vec3 albedo = srgb * srgb;
    vec3 c = albedo * (key_col * k + fill_col * f + ambient) + spec * key_col;
    c += rim * edge * edge * edge * sky_col * 0.25;
    return c;
}
vec3 develop(vec3 c) {
    vec2 q = gl_FragCoord.xy / frame - 0.5;
    c *= exposure * (1.0 - vignette * dot(q, q));
    return sqrt(c / (1.0 + 0.18 * c * c));
}
"""

_HEAD_BODY: Final = """
uniform mat4 model, view_projection;
uniform float jaw, mouth_y;
uniform vec2 mouth_shape;  // wide -1..1, press 0..1
in vec3 in_position; in vec3 in_normal; in vec3 in_surface;
out vec3 v_position, v_normal, v_local; out vec3 v_surface;
void main() {
    vec3 p = in_position;
    float low = smoothstep(mouth_y + 0.03, mouth_y - 0.06, in_surface.y) * smoothstep(1.5, 0.9, abs(in_surface.x));
    p.y -= jaw * 0.15 * low; p.z -= jaw * 0.05 * low;
    vec2 m = vec2(in_surface.x, in_surface.y - mouth_y);
    float near = step(abs(m.x), 1.0) * exp(-m.x * m.x * 12.0 - m.y * m.y * 40.0);
    p.z -= near * (0.09 * min(mouth_shape.x, 0.0) + 0.025 * max(mouth_shape.x, 0.0) + 0.02 * mouth_shape.y);
    v_local = p; v_surface = in_surface;
    vec4 w = model * vec4(p, 1.0);
    v_position = w.xyz; v_normal = mat3(model) * in_normal;
    gl_Position = view_projection * w;
}
"""

HEAD_VERTEX: Final = "#version 330\n" + _HEAD_BODY
HAIR_VERTEX: Final = """#version 330
uniform mat4 model, view_projection;
in vec3 in_position; in vec3 in_normal; in vec3 in_surface;
out vec3 v_position, v_normal, v_local; out vec3 v_surface;
void main() {
    v_local = in_position; v_surface = in_surface;
    vec4 w = model * vec4(in_position, 1.0);
    v_position = w.xyz; v_normal = mat3(model) * in_normal;
    gl_Position = view_projection * w;
}
"""

# Software devices run both sides of every branch, so eyes and mouth are compiled into programs of their own
# (EYES, MOUTH), which draw only the triangles near them.
_HEAD_FRAGMENT: Final = (
    _LIT
    + """
in vec3 v_position, v_normal, v_local; in vec3 v_surface;
out vec4 color;  // rgb, and the id of the person in alpha
uniform sampler2D skin;
uniform vec4 eye_box;      // x, y, half width, half height
uniform vec4 eye_state;    // tilt, blink, gaze x, gaze y
uniform vec4 mouth_box;    // y, half width, upper lip, lower lip
uniform vec4 mouth_state;  // open, smile, strength of lips, 0
uniform vec2 mouth_shape;  // wide -1..1, press 0..1
uniform vec3 iris_color, lip_color, skin_color;
uniform float head_id, face_id;
uniform vec4 face_limits;  // azimuth, low, high, 0
float cover(float d, float w) { return clamp(d / w + 0.5, 0.0, 1.0); }
void main() {
    float a = v_surface.x, e = v_surface.y, aa = abs(a);
    vec2 st = vec2(a / 3.8 + 0.5, e / 2.9 + 0.5);
    vec4 tex = texture(skin, st);
    vec3 albedo = tex.rgb; float gloss = tex.a;
    float aaw = max(length(vec2(dFdx(e), dFdy(e))), 0.004);
#ifdef EYES
    vec2 q = vec2(aa - eye_box.x, e - eye_box.y);
    if (abs(q.x) < 0.34 && abs(q.y) < 0.2) {
        q.y -= eye_state.x * q.x;
        float x = q.x / eye_box.z, bow = 1.0 - x * x;
        float open = 1.0 - eye_state.y;
        float up = eye_box.w * bow * (1.0 - 0.18 * x) * mix(-0.6, 1.0, open), down = -0.75 * eye_box.w * bow;
        float inside = min(cover(up - q.y, aaw), cover(q.y - down, aaw)) * cover(1.0 - abs(x), aaw * 4.0);
        float side = a < 0.0 ? -1.0 : 1.0;
        vec2 g = vec2(q.x - side * eye_state.z * 0.06, q.y - 0.004 - eye_state.w * 0.03);
        float r = length(g * vec2(0.85, 1.0));
        float ir = 0.066;
        vec3 white = vec3(0.88, 0.86, 0.84) * (1.0 - 0.35 * smoothstep(0.3, 1.0, (q.y - down) / max(up - down, 0.02)));
        vec3 ball = mix(white, iris_color * (0.7 + 0.5 * smoothstep(0.02, ir, r)), cover(ir - r, aaw));
        ball = mix(ball, vec3(0.02), cover(0.028 - r, aaw));
        ball = mix(ball, vec3(1.0), 0.85 * cover(0.012 - length(g - vec2(0.02 * side, 0.026)), aaw));
        float lash = exp(-pow((q.y - up - 0.006) / 0.015, 2.0)) * cover(1.05 - abs(x), 0.2);
        float crease = exp(-pow((q.y - eye_box.w * bow * 1.6 - 0.025) / 0.014, 2.0)) * cover(1.0 - abs(x), 0.5);
        albedo *= 1.0 - 0.28 * crease;
        albedo = mix(albedo, ball, inside); gloss = mix(gloss, 0.0, inside);
        albedo = mix(albedo, skin_color * 0.16, 0.82 * lash);
    }
#endif
#ifdef MOUTH
    vec2 m = vec2(a, e - mouth_box.x);
    float wide = max(mouth_shape.x, 0.0), round = max(-mouth_shape.x, 0.0), loose = 1.0 - mouth_shape.y;
    float mouth_w = mouth_box.y * (1.0 + 0.22 * wide - 0.42 * round);
    if (aa < mouth_w * 1.3 && abs(m.y) < 0.3) {
        float x = m.x / mouth_w;
        m.y -= mouth_state.y * 0.07 * x * x;
        float bow = max(1.0 - x * x, 0.0);
        float gap = mouth_state.x * 0.085 * bow * loose * (1.0 - 0.25 * wide + 0.35 * round);
        float full = (1.0 - 0.28 * wide + 0.25 * round) * (1.0 - 0.72 * mouth_shape.y);
        float cupid = 1.0 - 0.3 * exp(-x * x / 0.02) ;
        float lip_up = full * mouth_box.z * bow * cupid, lip_low = full * mouth_box.w * pow(bow, 0.7);
        float lip = max(cover(lip_up - m.y, aaw + 0.01) * cover(m.y + 0.004, aaw),
                        cover(m.y + gap + lip_low, aaw + 0.012) * cover(-m.y - gap + 0.004, aaw));
        albedo = mix(albedo, lip_color * (m.y > 0.0 ? 0.88 : 1.0), lip * mouth_state.z);
        gloss += 0.4 * lip;
        float thin = 0.010 + 0.008 * mouth_shape.y + 0.3 * gap;
        float seam = exp(-pow((m.y + gap * 0.5) / thin, 2.0)) * cover(1.0 - abs(x), 0.15);
        albedo *= 1.0 - (0.55 + 0.12 * mouth_shape.y) * seam * (1.0 - smoothstep(0.0, 0.02, gap));
        float hole = cover(-m.y, aaw) * cover(m.y + gap, aaw) * smoothstep(0.004, 0.012, gap);
        float teeth = cover(m.y + 0.34 * gap, aaw) * smoothstep(0.02, 0.05, gap) * 0.9;
        vec3 inside = mix(vec3(0.15, 0.05, 0.05), vec3(0.85, 0.82, 0.76), teeth);
        albedo = mix(albedo, inside, hole); gloss *= 1.0 - hole;
    }
#endif
    vec3 n = normalize(v_normal);
    float under = smoothstep(-0.75, -1.15, v_local.y) * smoothstep(0.6, 0.2, v_local.z);
    bool face = aa < face_limits.x && e > face_limits.y && e < face_limits.z;
    vec3 lit = shade(albedo, n, v_position, gloss, 0.28, 0.6) * (1.0 - 0.35 * under);
    color = vec4(develop(lit), face ? face_id : head_id);
}
"""
)
HEAD_FRAGMENT: Final = "#version 330\n" + _HEAD_FRAGMENT
EYES_FRAGMENT: Final = "#version 330\n#define EYES\n" + _HEAD_FRAGMENT
MOUTH_FRAGMENT: Final = "#version 330\n#define MOUTH\n" + _HEAD_FRAGMENT

HAIR_FRAGMENT: Final = (
    "#version 330\n"
    + _LIT
    + """
in vec3 v_position, v_normal, v_local; in vec3 v_surface;
out vec4 color;  // rgb, and the id of the person in alpha
uniform vec3 hair_color; uniform float strands, curl, head_id, body_id;
void main() {
    float a = v_surface.x, e = v_surface.y, mask = v_surface.z;
    float fine = wave(a * 95.0 + 3.0 * wave(e * 7.0 + a * 5.0)) * 0.5 + 0.5;
    float fine2 = wave(a * 41.0 + e * 19.0 * curl + 2.0 * wave(e * 13.0)) * 0.5 + 0.5;
    if (mask < 0.5 + strands * 0.22 * (fine - 0.5)) discard;
    vec3 n = normalize(v_normal);
    if (dot(n, eye - v_position) < 0.0) n = -n;
    float tone = 1.0 + strands * (0.34 * (fine2 - 0.5) + 0.22 * (fine - 0.5));
    float root = mix(0.72, 1.0, smoothstep(0.5, 0.9, mask));
    vec3 base = hair_color * (strands > 0.0 ? tone * root : 1.0);
    vec3 lit = shade(base, n, v_position, 0.25 * strands, 0.15, 0.5);
    color = vec4(develop(lit), v_local.y > -1.1 ? head_id : body_id);
}
"""
)

BODY_VERTEX: Final = """#version 330
uniform mat4 view_projection;
in vec3 in_position; in vec3 in_normal; in vec3 in_a; in vec3 in_b; in vec2 in_uv; in vec4 in_misc;
out vec3 v_position, v_normal; out vec2 v_uv; flat out vec3 v_a, v_b; flat out vec4 v_misc;
void main() {
    v_position = in_position; v_normal = in_normal; v_a = in_a; v_b = in_b; v_uv = in_uv; v_misc = in_misc;
    gl_Position = view_projection * vec4(in_position, 1.0);
}
"""

# Compiled once for each pattern (KIND), see `body_fragment`.
_BODY_FRAGMENT: Final = (
    _LIT
    + """
in vec3 v_position, v_normal; in vec2 v_uv; flat in vec3 v_a, v_b; flat in vec4 v_misc;
out vec4 color;  // rgb, and the id of the person in alpha
float soft(float s, float w) { return clamp(s / w + 0.5, 0.0, 1.0); }
void main() {
    float t = 0.0;
#if KIND > 0
    vec2 q = v_uv / v_misc.y;
    float w = max(fwidth(q.y) + fwidth(q.x), 0.02);
#endif
#if KIND == 1
    t = soft(sin(q.y * 3.1416), w * 3.0);
#elif KIND == 2
    t = soft(sin(q.x * 3.1416 * 2.0) - 0.75, w * 6.0);
#elif KIND == 3
    t = 0.5 * soft(sin(q.x * 3.1416), w * 3.0) + 0.5 * soft(sin(q.y * 3.1416), w * 3.0);
#elif KIND == 4
    t = soft(0.3 - length(fract(q + vec2(0.5 * mod(floor(q.y), 2.0), 0.0)) - 0.5), w);
#elif KIND == 5
    t = soft((0.028 - 0.09 * v_uv.y) * step(v_uv.y, 0.3) - abs(v_uv.x), 0.006);
#elif KIND == 6
    float petals = sin(atan(v_uv.y + 0.19, v_uv.x) * floor(2.0 + v_misc.y * 60.0));
    t = soft(0.055 + 0.02 * petals - length(v_uv - vec2(0.0, -0.19)), 0.006);
#endif
    vec3 n = normalize(v_normal);
    if (dot(n, eye - v_position) < 0.0) n = -n;
    float fold = 0.97 + 0.03 * wave(v_uv.y * 40.0 + 2.5 * wave(v_uv.x * 23.0));
    vec3 base = mix(v_a, v_b, t) * (v_misc.z < 0.14 ? fold : 1.0);
    color = vec4(develop(shade(base, n, v_position, v_misc.z, 0.12, 0.3)), v_misc.w);
}
"""
)


def body_fragment(kind: int) -> str:
    """Return the fragment shader of cloth with pattern `kind` (a value of `outfit.PATTERNS`)."""
    return f"#version 330\n#define KIND {kind}\n" + _BODY_FRAGMENT


ROOM_VERTEX: Final = (
    "#version 330\n"
    + """
uniform mat4 view_projection;
uniform vec3 key_dir, key_col, fill_dir, fill_col, sky_col, ground_col;
in vec3 in_position; in vec3 in_normal; in vec3 in_uvl; in vec3 in_a; in vec3 in_b;
out vec3 v_position, v_uvl; flat out vec3 v_a, v_b, v_light; flat out float v_floor;
void main() {
    v_position = in_position; v_uvl = in_uvl; v_a = in_a; v_b = in_b;
    vec3 n = in_normal;
    v_light = key_col * max((dot(n, key_dir) + 0.2) / 1.2, 0.0) + fill_col * max(dot(n, fill_dir), 0.0);
    v_light += mix(ground_col, sky_col, n.y * 0.5 + 0.5);
    v_floor = n.y > 0.5 && in_position.y < 0.02 ? 1.0 : 0.0;
    if (in_uvl.z > 50.0) { v_light = vec3(1.5); v_uvl.z -= 100.0; v_floor = 2.0; }
    gl_Position = view_projection * vec4(in_position, 1.0);
}
"""
)

ROOM_FRAGMENT: Final = """#version 330
uniform float exposure, vignette; uniform vec2 frame;
in vec3 v_position, v_uvl; flat in vec3 v_a, v_b, v_light; flat in float v_floor;
out vec4 color;  // rgb, and the id of the person in alpha
uniform sampler2DArray patterns;
uniform vec2 room_half;
void main() {
    float t = texture(patterns, v_uvl).r;
    vec3 base = mix(v_a, v_b, t) * (0.8 + 0.4 * t);
    vec3 c = base * base * v_light;
    vec2 gap = room_half - abs(v_position.xz);
    float near = 2.5 * max(v_floor == 1.0 ? min(gap.x, gap.y) : v_position.y, 0.0);
    c *= 1.0 - 0.38 / (1.0 + near * near * 2.0);
    vec2 q = gl_FragCoord.xy / frame - 0.5;
    c *= exposure * (1.0 - vignette * dot(q, q));
    color = vec4(sqrt(c / (1.0 + 0.18 * c * c)), 0.0);
}
"""

# A soft dark blob on the floor under a person.
SHADOW_VERTEX: Final = """#version 330
uniform mat4 view_projection;
in vec2 in_floor; in vec2 in_local;
out vec2 v_local;
void main() { v_local = in_local; gl_Position = view_projection * vec4(in_floor.x, 0.004, in_floor.y, 1.0); }
"""
SHADOW_FRAGMENT: Final = """#version 330
in vec2 v_local;
out vec4 color;  // rgb, and the id of the person in alpha
void main() {
    float k = max(1.0 - dot(v_local, v_local), 0.0);
    color = vec4(0.0, 0.0, 0.0, 1.0 - sqrt(1.0 - 0.6 * k * k));
}
"""

# Coverage pass: what each person would cover if nobody else were there; MAX blending, a piece of the surface for each.
_COVER_OUT: Final = """
out float covered;
void put(float code, bool away) {
    int part = int(code * 255.0 + 0.5) % 4;
    covered = part == 2 ? (away ? 0.66 : 1.0) : (part == 1 ? 0.66 : (part == 3 ? 0.33 : 0.0));
}
"""
HEAD_COVER: Final = (
    "#version 330\nin vec3 v_position, v_normal, v_local; in vec3 v_surface;\n"
    + "uniform float head_id, face_id; uniform vec4 face_limits; uniform vec3 eye;\n"
    + _COVER_OUT
    + "void main() { bool face = abs(v_surface.x) < face_limits.x;"
    + " face = face && v_surface.y > face_limits.y && v_surface.y < face_limits.z;"
    + " put(face ? face_id : head_id, dot(v_normal, eye - v_position) < 0.0); }"
)
HAIR_COVER: Final = (
    "#version 330\nin vec3 v_local; in vec3 v_surface;\nuniform float head_id, body_id;\n"
    + _COVER_OUT
    + "void main() { if (v_surface.z < 0.5) discard; put(v_local.y > -1.1 ? head_id : body_id, false); }"
)
BODY_COVER: Final = "#version 330\nflat in vec4 v_misc;\n" + _COVER_OUT + "void main() { put(v_misc.w, false); }"
