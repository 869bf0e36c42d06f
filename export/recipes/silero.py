"""Silero, voice activity: the user's ONNX graph with the batch first, and 16 kHz written into it.

Source: snakers4/silero-vad at 806dcba, `src/silero_vad/utils_vad.py` (methods.md 7.7), version 5 and later: 512 new
samples behind the last 64 of the chunk before, and a state that goes from call to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.graphs import copied
from export.recipes.agreement import agreement, comparable
from export.recipes.card import Card
from export.recipes.errors import RecipeError
from export.recipes.graph_parts import constant, folded, read_graph, replace_all, session
from export.recipes.parts import Part, Written
from export.recipes.shapes import plain
from export.runners import Outputs, Runner
from export.samples import AnyArray, Feed, feed_of
from packs.sound import SAMPLE_RATE
from packs.spec import ModelSpec, TensorSpec

CONTEXT, CHUNK = 64, 512
LAYERS, WIDTH = 2, 128
INPUTS, OUTPUTS = {"input", "state"}, ["output", "stateN"]
RATE = "sr"


def write(card: Card, file: Path, directory: Path, arrays: Mapping[str, AnyArray]) -> list[Written]:
    """Take a graph of Silero into a pack.

    Raises:
        RecipeError: If it is another graph, or what was written does not agree with it.
    """
    model = read_graph(file)
    check(model)
    spec = _spec().model_copy(update={"licence": card.weights_licence})
    partial = directory / f"{spec.name}.partial.onnx"
    onnx.save(served(model), str(partial))
    inputs = comparable(spec, feed_of(spec, arrays) or _sounds(spec))
    figures = agreement(spec, partial, inputs, reference(model)(inputs))
    partial.replace(directory / spec.file)
    return [Written(Part(spec), figures)]


def check(model: onnx.ModelProto) -> None:
    """Run the graph once.

    Raises:
        RecipeError: If names or shapes are not those of version 5 and later; says which they are.
    """
    inputs, outputs = {value.name for value in model.graph.input}, [value.name for value in model.graph.output]
    if inputs - {RATE} != INPUTS or outputs != OUTPUTS:
        raise RecipeError(
            f"the graph takes {sorted(inputs)} and gives {outputs}; expected input, state, sr to output, stateN, as "
            "version 5 and later have (those before keep their state in h and c)"
        )
    try:
        found = reference(model)(_silence())
    except Exception as error:
        wanted = f"input [B, {CONTEXT + CHUNK}] and state [{LAYERS}, B, {WIDTH}]"
        raise RecipeError(f"the graph does not take {wanted} at a batch of 2: {error}") from error
    shapes = {name: list(values.shape) for name, values in found.items()}
    if shapes != {"speech": [2, 1], "next_state": [2, LAYERS, WIDTH]}:
        raise RecipeError(f"the graph gives {shapes}, expected speech [2, 1] and next_state [2, {LAYERS}, {WIDTH}]")


def served(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with chosen names, the batch on axis 0 of every tensor, and the rate a constant."""
    # Its branches see names of the whole, which no renaming follows into them; none of ours is one of its own.
    result = copied(model)
    graph = result.graph
    if any(value.name == RATE for value in graph.input):
        graph.initializer.append(constant(RATE, np.array(SAMPLE_RATE)))
    before = [
        helper.make_node("Identity", ["sound"], ["input"]),
        helper.make_node("Transpose", ["previous_state"], ["state"], perm=[1, 0, 2]),
    ]
    after = [
        helper.make_node("Reshape", ["output", "speech_shape"], ["speech"]),
        helper.make_node("Transpose", ["stateN"], ["next_state"], perm=[1, 0, 2]),
    ]
    graph.initializer.append(constant("speech_shape", np.array([-1, 1])))
    replace_all(graph.node, [*before, *graph.node, *after])
    replace_all(graph.input, [_value("sound", [CONTEXT + CHUNK]), _value("previous_state", [LAYERS, WIDTH])])
    replace_all(graph.output, [_value("speech", [1]), _value("next_state", [LAYERS, WIDTH])])
    onnx.checker.check_model(result)
    # The half for 8 kHz goes with the branch that is never taken.
    return folded(result)


def reference(model: onnx.ModelProto) -> Runner:
    """The user's own graph in ONNX Runtime."""
    run = session(model)
    with_rate = any(value.name == RATE for value in model.graph.input)

    def answer(feed: Feed) -> Outputs:
        given: dict[str, Any] = {"input": feed["sound"], "state": feed["previous_state"].transpose(1, 0, 2)}
        if with_rate:
            given[RATE] = np.array(SAMPLE_RATE, np.int64)
        speech, state = run.run(OUTPUTS, given)
        return {"speech": speech.reshape(-1, 1), "next_state": state.transpose(1, 0, 2)}

    return answer


def _spec() -> ModelSpec:
    return plain(
        "voice_activity",
        [
            TensorSpec(name="sound", dtype="FP32", shape=(CONTEXT + CHUNK,)),
            TensorSpec(name="previous_state", dtype="FP32", shape=(LAYERS, WIDTH)),
        ],
        [
            TensorSpec(name="speech", dtype="FP32", shape=(1,)),
            TensorSpec(name="next_state", dtype="FP32", shape=(LAYERS, WIDTH)),
        ],
        max_batch=64,
    )


def _sounds(spec: ModelSpec, rows: int = 3) -> Feed:
    rng = np.random.default_rng(0)
    tones = rng.uniform(90.0, 400.0, size=(rows, 1)) * np.arange(CONTEXT + CHUNK) / SAMPLE_RATE
    sound = 0.2 * np.sin(2.0 * np.pi * tones) + rng.normal(0.0, 0.02, size=tones.shape)
    state = rng.uniform(-0.5, 0.5, size=(rows, *spec.inputs[1].shape))
    return {"sound": sound.astype(np.float32), "previous_state": state.astype(np.float32)}


def _silence() -> Feed:
    return {
        "sound": np.zeros((2, CONTEXT + CHUNK), np.float32),
        "previous_state": np.zeros((2, LAYERS, WIDTH), np.float32),
    }


def _value(name: str, shape: list[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
