"""A network that asks for float32 is computed in it, also where the CPU would rather multiply bfloat16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import openvino
from onnx import numpy_helper

from packs.engine import Engine, preferred_precision
from packs.manifest import Pack, PackManifest, file_sha256
from packs.testing import write_tiny_pack
from services.backends.inference.local import LocalInferenceBackend


async def test_float32_is_what_a_pack_asks_for(tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path).pack
    path = pack.directory / "face_encoder.onnx"
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name.endswith("_weights"):
            # Thirds are exact in no binary arithmetic.
            thirds = numpy_helper.to_array(tensor) / np.float32(3.0)
            tensor.CopyFrom(numpy_helper.from_array(thirds, tensor.name))
    onnx.save(model, str(path))
    changes = {"sha256": file_sha256(path), "arithmetic": "f32"}
    full = pack.model("face_encoder").model_copy(update=changes)
    left = full.model_copy(update={"arithmetic": None, "name": "left_to_the_cpu", "modality": None})
    both = Pack.of(tmp_path, PackManifest(name="tiny", version="1", models=(full, left)))
    crops = {"crop": np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)}
    exact = Engine(path, threads=1, precision="f32").run(crops)["embedding"]
    backend = LocalInferenceBackend(both, threads=1)
    found = {name: (await backend.infer(name, crops))["embedding"] for name in both.models}
    await backend.aclose()
    np.testing.assert_array_equal(found["face_encoder"], exact)
    rounds = preferred_precision(openvino.Core()) == "bf16"
    assert bool((found["left_to_the_cpu"] != exact).any()) == rounds
