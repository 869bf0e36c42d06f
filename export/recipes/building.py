"""From a user's file to models of a pack: read safely, match, load strictly, export, compare, write the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import onnx
import torch
from torch import nn

from export.onnx_from_module import fix_output_sizes
from export.onnx_from_network import onnx_from_network
from export.output_parity import OutputParity
from export.recipes.agreement import agreement, comparable, outside, with_scale
from export.recipes.card import Card, Form
from export.recipes.catalogue import CARDS, card_named
from export.recipes.errors import RecipeError
from export.recipes.matching import Candidate, Fit, Served, best_fit, fit, loaded
from export.recipes.parts import Part, Written, add_parts
from export.recipes.source import Source, read_source
from export.runners import torch_runner
from export.samples import Feed, feed_of, read_samples
from packs.manifest import file_sha256
from packs.spec import ModelSpec

Say = Callable[[str], None]
FAMILY = "export.recipes.{}"
# Bytes of one ONNX file, a message of protobuf, less some for the nodes.
LARGEST = 2**31 - 2**24


@dataclass(frozen=True, slots=True)
class RecipeRequest:
    """What is to be built.

    Attributes:
        recipe: Name of the recipe.
        file: The user's checkpoint or graph.
        pack: Folder of the pack; what it already holds stays.
        name: Name of the pack, when it is new.
        version: Version of the weights.
        samples: npz with inputs to compare on, as `export.samples.read_samples` reads it; None takes made ones.
    """

    recipe: str
    file: Path
    pack: Path
    name: str = "own"
    version: str = "0.1.0"
    samples: Path | None = None


def build(request: RecipeRequest, say: Say) -> list[Written]:
    """Make the models of a recipe out of a file and write them into a pack.

    Raises:
        RecipeError: If the file does not fit the recipe, or what was written does not agree with it.
        packs.errors.PackError: If the folder holds a manifest that cannot be read.
    """
    card = card_named(request.recipe)
    request.pack.mkdir(parents=True, exist_ok=True)
    if card.form is Form.GRAPH:
        architecture, written = "graph", _from_graph(card, request)
    else:
        architecture, served = serving(card, read_source(request.file), say)
        written = [_written(request, card, one) for one in served]
    pack = add_parts(request.pack, [one.part for one in written], name=request.name, version=request.version)
    _keep_record(request, card, architecture, written)
    _tell(card, written, say)
    say(f"{request.pack} is now pack {pack.name} {pack.version}, digest {pack.digest[:12]}")
    return written


def serving(card: Card, source: Source, say: Say) -> tuple[str, Sequence[Served]]:
    """The architecture of a file, and the models that it makes.

    Raises:
        RecipeError: If the file does not fit the recipe.
    """
    if card.form is Form.WEIGHTS:
        found = fitting(card, source, say)
        return found.candidate.architecture, found.candidate.serve(loaded(found))
    for note in source.notes:
        say(note)
    family = import_module(FAMILY.format(card.module))
    architecture, served = family.serve(card.name, source)
    say(f"{source.path.name} is {architecture}: all {len(source.weights)} tensors have their place")
    return architecture, served


def fitting(card: Card, source: Source, say: Say) -> Fit:
    """The architecture of a recipe that a file fits.

    Raises:
        RecipeError: If none does; names the nearest, and another recipe when the file is of that one.
    """
    for note in source.notes:
        say(note)
    try:
        found = best_fit(source.weights, candidates_of(card, source))
    except RecipeError as error:
        other = other_recipe(card, source)
        raise RecipeError(f"{error}\nIts keys are those of `{other}`." if other else str(error)) from error
    for note in found.notes:
        say(note)
    say(f"{source.path.name} is {found.candidate.architecture}: all {len(found.weights)} tensors have their place")
    return found


def candidates_of(card: Card, source: Source) -> Sequence[Candidate]:
    """The architectures that a file for this recipe may be of."""
    family = import_module(FAMILY.format(card.module))
    made: Sequence[Candidate] = family.candidates(card.name, source)
    return made


def other_recipe(card: Card, source: Source) -> str | None:
    """Name of another recipe that the file fits, or None."""
    for other in CARDS:
        if other.form is not Form.WEIGHTS or other.name == card.name:
            continue
        try:
            candidates = candidates_of(other, source)
        except RecipeError:
            continue
        if any(fit(source.weights, candidate).faults == 0 for candidate in candidates):
            return other.name
    return None


def _from_graph(card: Card, request: RecipeRequest) -> list[Written]:
    family = import_module(FAMILY.format(card.module))
    arrays = read_samples(request.samples) if request.samples else {}
    made: Iterable[Written] = family.write(card, request.file, request.pack, arrays)
    return list(made)


def _written(request: RecipeRequest, card: Card, served: Served) -> Written:
    _check_size(served)
    given = feed_of(served.spec, read_samples(request.samples)) if request.samples else None
    inputs = comparable(served.spec, given or served.feed)
    answers = torch_runner(served.graph, served.spec)(inputs)
    spec = with_scale(served.spec.model_copy(update={"licence": card.weights_licence}), answers)
    partial = request.pack / f"{spec.name}.partial.onnx"
    _export(served.graph, spec, inputs, partial)
    figures = agreement(spec, partial, inputs, answers)
    partial.replace(request.pack / spec.file)
    return Written(Part(spec, served.detection), figures)


def _export(graph: nn.Module, spec: ModelSpec, inputs: Feed, path: Path) -> None:
    # An axis of length 1 would be taken for a constant.
    examples = tuple(torch.from_numpy(inputs[tensor.name][:2]) for tensor in spec.inputs)
    outputs = [tensor.name for tensor in spec.outputs]
    onnx_from_network(graph, examples, inputs=[t.name for t in spec.inputs], outputs=outputs, path=path)
    model = onnx.load(str(path))
    fix_output_sizes(model, graph, examples)
    onnx.save(model, str(path))


def _check_size(served: Served) -> None:
    size = sum(tensor.numel() * tensor.element_size() for tensor in served.graph.state_dict().values())
    if size > LARGEST:
        raise RecipeError(
            f"the weights of {served.spec.name} take {size / 2**30:.1f} GiB, an ONNX file holds 2: choose a smaller one"
        )


def _keep_record(request: RecipeRequest, card: Card, architecture: str, written: Sequence[Written]) -> None:
    for one in written:
        record = {
            "recipe": card.name,
            "architecture": architecture,
            "project": card.project,
            "weights_licence": card.weights_licence,
            "from_file": request.file.name,
            "from_sha256": file_sha256(request.file),
            "parity": [figure.as_json() for figure in one.figures],
        }
        path = request.pack / f"{one.part.spec.name}.recipe.json"
        path.write_text(json.dumps(record, indent=2) + "\n")


def _tell(card: Card, written: Sequence[Written], say: Say) -> None:
    for one in written:
        say(_line(one.part.spec, one.figures))
        if not any(figure.compared for figure in one.figures):
            say("  mind: nothing was found in the samples, so no box was compared: give pictures with --samples")
        for output in sorted({figure.output for figure in outside(one.figures)}):
            say(f"  mind: {output} is outside the bounds in bfloat16, which OpenVINO takes on CPUs that multiply it")
        if one.part.spec.modality is not None:
            say(
                f"  {one.part.spec.modality} has no calibration in this pack and decides nothing until one is fitted "
                "on your own labelled pairs (packs.calibration.fit_platt); similarities are there at once"
            )
        if one.part.detection is not None:
            say("  its thresholds are starting points: choose yours on your own films")
    say(f"licence of the weights: {card.weights_licence}; of their code: {card.code_licence}")


def _line(spec: ModelSpec, figures: Sequence[OutputParity]) -> str:
    exact = [one for one in figures if one.runtime.endswith("f32")]
    worst = max((one.worst_absolute for one in exact), default=0.0)
    cosines = [one.least_cosine for one in exact if one.least_cosine is not None]
    size = f", {spec.embedding_dim} dimensions" if spec.embedding_dim else ""
    cosine = f", least cosine {min(cosines):.6f}" if cosines else ""
    return f"{spec.name}{size}: float32 differs by at most {worst:.2g} from its source{cosine}"
