"""The figures of the served presets, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export.output_parity import OutputParity
from packs.manifest import Pack
from packs.spec import ModelSpec, TensorSpec

__all__ = ["holds", "report_of", "rows_of", "table_of"]

Figures = Mapping[str, Sequence[OutputParity]]
HEADINGS = (
    "network",
    "inputs",
    "output",
    "in",
    "most rows",
    "at 1",
    "at 3",
    "at most",
    "allowed",
    "largest difference",
    "holds",
)


def holds(figures: Figures) -> bool:
    """Whether every output of every network keeps its tolerance; of nothing it does not."""
    found = [figure for model in figures.values() for figure in model]
    return bool(found) and all(figure.within and figure.compared for figure in found)


def report_of(pack: Pack, figures: Figures, setting: Mapping[str, str]) -> dict[str, Any]:
    """Plain values for a file."""
    models = {
        name: {
            "inputs": {tensor.name: _size(tensor) for tensor in pack.model(name).inputs},
            "outputs": {tensor.name: _size(tensor) for tensor in pack.model(name).outputs},
            "max_batch": pack.model(name).max_batch,
            "figures": [figure.as_json() for figure in found],
        }
        for name, found in figures.items()
    }
    return {"pack": pack.digest, "setting": dict(setting), "holds": holds(figures), "models": models}


def rows_of(pack: Pack, figures: Figures) -> list[tuple[str, ...]]:
    """A row of `HEADINGS` for each output of each network; what all outputs share stands in the first alone."""
    rows = []
    for name, found in figures.items():
        spec, shared = pack.model(name), [f"`{name}`", _inputs(pack.model(name))]
        for output in dict.fromkeys(one.output for one in found):
            rows.append((*shared, *_row(spec, output, [one for one in found if one.output == output])))
            shared = ["", ""]
    return rows


def table_of(pack: Pack, figures: Figures) -> str:
    """The rows as a table in Markdown."""
    lines = [HEADINGS, *rows_of(pack, figures)]
    text = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(HEADINGS), *text[1:]]) + "\n"


def _row(spec: ModelSpec, output: str, found: Sequence[OutputParity]) -> tuple[str, ...]:
    by_batch = {one.batch: one for one in found}
    first = found[0]
    sizes = {tensor.name: f"{tensor.name} [{', '.join(map(str, tensor.shape))}]" for tensor in spec.outputs}
    return (
        sizes.get(output, output),
        first.runtime.rpartition("-")[2],
        str(spec.max_batch),
        _error(by_batch.get(1)),
        _error(by_batch.get(3)),
        _error(by_batch.get(spec.max_batch)),
        _allowed(first),
        f"{max(one.worst_absolute for one in found):.2g}",
        "yes" if all(one.within and one.compared for one in found) else "**no**",
    )


def _inputs(spec: ModelSpec) -> str:
    return ", ".join(f"{tensor.name} {_size(tensor)}" for tensor in spec.inputs)


def _error(figure: OutputParity | None) -> str:
    """What is held to the tolerance: the least cosine, or a difference; nothing where nothing was compared."""
    if figure is None:
        return ""
    if not figure.compared:
        return "nothing to compare"
    held = {"cosine": "cos {:.5f}", "absolute": "{:.2g}"}
    return ", ".join(form.format(figure.passing[kind]) for kind, form in held.items() if kind in figure.passing)


def _allowed(figure: OutputParity) -> str:
    held = {"cosine": "cos {:g}", "absolute": "{:.2g}"}
    return ", ".join(form.format(figure.allowed[kind]) for kind, form in held.items() if kind in figure.passing)


def _size(tensor: TensorSpec) -> str:
    return f"{tensor.dtype}[{', '.join(map(str, tensor.shape))}]"
