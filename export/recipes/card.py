"""What is known of a recipe before any file is opened: no torch here, so that the table can be shown anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """In what form the weights are published."""

    # A state dict whose keys are the public code's.
    WEIGHTS = "weights"
    # A state dict for a class of transformers, with its config.json beside it.
    TRANSFORMERS = "transformers"
    # An ONNX graph.
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Card:
    """One recipe.

    Attributes:
        name: What the command line calls it.
        module: Module of `export.recipes` that knows the architectures.
        gives: Names of the models that it writes.
        modality: What it is for, in a word.
        form: In what form the weights are published.
        checkpoint: The public files that it takes, for people.
        project: Where code and weights come from.
        code_licence: Of the public code.
        weights_licence: Of the weights, as far as it is known; it is written into the manifest.
        checked: What was checked here and against what.
        never: What was never run here.
    """

    name: str
    module: str
    gives: tuple[str, ...]
    modality: str
    form: Form
    checkpoint: str
    project: str
    code_licence: str
    weights_licence: str
    checked: str
    never: str
