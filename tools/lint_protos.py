"""Run `buf lint` (STANDARD) over proto/ as an image, so that validate.proto comes from the protovalidate wheel.

Needs node's npx; the package is @bufbuild/buf.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

from tools.generate_stubs import PROTO, ROOT, protoc, write_descriptor_set

BUF = "@bufbuild/buf@1.75.0"
# Field 8042 (buf_extension) of buf's ImageFile, holding field 1 (is_import) = true: what is marked so is not linted.
IS_IMPORT = bytes([0xD2, 0xF6, 0x03, 0x02, 0x08, 0x01])


def mark_imports(image: bytes) -> bytes:
    """Return the descriptor set with every file that is not ours marked as an import."""
    marked = b""
    for file in descriptor_pb2.FileDescriptorSet.FromString(image).file:
        content = file.SerializeToString() + (b"" if file.name.startswith("personsearch/") else IS_IMPORT)
        marked += b"\x0a" + varint(len(content)) + content
    return marked


def varint(number: int) -> bytes:
    """Encode a number as protobuf does."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def main() -> int:
    """Build the image with protoc, lint it, and return buf's exit status."""
    with tempfile.TemporaryDirectory() as scratch:
        descriptors, image = Path(scratch) / "validate.binpb", Path(scratch) / "image.binpb"
        write_descriptor_set(descriptors)
        files = sorted(str(p.relative_to(PROTO)) for p in (PROTO / "personsearch").rglob("*.proto"))
        protoc(descriptors, f"--descriptor_set_out={image}", "--include_imports", "--include_source_info", *files)
        image.write_bytes(mark_imports(image.read_bytes()))
        config = (ROOT / "proto" / "buf.yaml").read_text()
        npx = shutil.which("npx") or "npx"
        command = [npx, "--yes", BUF, "lint", str(image), "--config", config]
        return subprocess.run(command, cwd=scratch, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
