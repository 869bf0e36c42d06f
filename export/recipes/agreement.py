"""A written file against the network that it came from, at batches of 1 and 3 (or all that it takes)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from export.output_parity import OutputParity, Strictness, compare_outputs
from export.recipes.errors import RecipeError
from export.runners import Outputs, Runner, in_batches, onnxruntime_runner, openvino_runner
from export.samples import Feed, noise_of, tiled
from packs.spec import ModelSpec

BATCHES = (1, 3)
# Of the largest value that a network answers, what float32 may lose of it.
SHARE = 0.002


def comparable(spec: ModelSpec, feed: Feed | None = None) -> Feed:
    """Inputs for every batch that is compared, [N, ...] by name: those given, or seeded noise, repeated."""
    return tiled(feed or noise_of(spec), max(_batches(spec)))


def with_scale(spec: ModelSpec, answers: Outputs) -> ModelSpec:
    """The declaration with a tolerance that fits the size of what the network answers; of detectors as it is.

    Embeddings of strangers are as long as their authors left them, and rounding grows with them.
    """
    if "boxes" in answers:
        return spec
    largest = max(float(np.abs(answers[tensor.name]).max()) for tensor in spec.outputs)
    absolute = max(spec.tolerance.absolute, SHARE * largest)
    return spec.model_copy(update={"tolerance": spec.tolerance.model_copy(update={"absolute": absolute})})


def agreement(spec: ModelSpec, path: Path, inputs: Feed, reference: Outputs) -> list[OutputParity]:
    """Run the same inputs through ONNX Runtime and OpenVINO, and compare with what they should answer.

    Float32 must keep the spec's tolerance for every value. Of bfloat16, which OpenVINO takes on CPUs that multiply it,
    the figures are kept and what lies outside is told of: nobody knows a user's weights beforehand.

    Args:
        spec: Its declaration, with the tolerance.
        path: The ONNX file.
        inputs: What `comparable` gives.
        reference: Answers that the file must agree with, row by row.

    Raises:
        RecipeError: If a runtime in float32 differs.
    """
    without_points = spec.model_copy(update={"outputs": tuple(t for t in spec.outputs if t.name != "points")})
    runners = _runners(spec, path)
    answers = _paired(reference)
    figures = []
    for runtime, (run, strictness) in runners.items():
        for batch in _batches(spec):
            found = _paired(in_batches(run, inputs, batch, most=1))
            figures += compare_outputs(
                found, answers, without_points, runtime=runtime, batch=batch, strictness=strictness
            )
    _check(spec, path, figures)
    return figures


def _batches(spec: ModelSpec) -> list[int]:
    return [size for size in BATCHES if size <= spec.max_batch]


def _runners(spec: ModelSpec, path: Path) -> dict[str, tuple[Runner, Strictness]]:
    try:
        return {
            "onnxruntime-f32": (onnxruntime_runner(path, spec), Strictness.EXACT),
            "openvino-f32": (openvino_runner(path, "f32"), Strictness.EXACT),
            "openvino-bf16": (openvino_runner(path, "bf16"), Strictness.REPORTED),
        }
    except RuntimeError as error:
        raise RecipeError(f"{spec.name}: a runtime cannot load the graph; kept {path}: {error}") from error


def _paired(outputs: Outputs) -> Outputs:
    """Points of a detector go with their boxes: proposals are compared in pairs, since equal scores may swap places."""
    if "points" not in outputs:
        return outputs
    rest = {name: values for name, values in outputs.items() if name not in ("boxes", "points")}
    return {"boxes": np.concatenate([outputs["boxes"], outputs["points"]], axis=-1), **rest}


def outside(figures: Iterable[OutputParity]) -> list[OutputParity]:
    """Those whose float32 bounds do not hold; of bfloat16 those whose direction or usual distance do not."""
    return [one for one in figures if not (one.within and _reduced_within(one))]


def _reduced_within(figure: OutputParity) -> bool:
    if figure.strictness is not Strictness.REPORTED:
        return True
    if figure.least_cosine is not None:
        return figure.least_cosine >= figure.allowed["cosine"]
    return figure.p99_absolute <= figure.allowed["absolute"]


def _check(spec: ModelSpec, path: Path, figures: Iterable[OutputParity]) -> None:
    wrong = [one for one in figures if not one.within]
    if wrong:
        first = wrong[0]
        raise RecipeError(
            f"{spec.name}: {first.runtime} differs from the reference in {first.output} at a batch of {first.batch} by "
            f"{first.worst_absolute:.4g}, least cosine {first.least_cosine} (allowed {first.allowed}); kept {path}"
        )
