"""The figures of identities as JSON and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.identities.correcting import Corrected, Figures

__all__ = ["IdentityResult", "page_of", "report_of"]


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """What was measured.

    Attributes:
        alone: Each film as a gallery of its own, by name.
        together: All films in one gallery.
        corrections: How many corrections each gallery got.
        rebuilt: B-cubed F1 between the identities that grew film by film and those of all films at once.
        kept: Share of the appearances that keep their identity's id when all is clustered anew.
        setting: Pack and gallery.
    """

    alone: Mapping[str, Corrected]
    together: Corrected
    corrections: int
    rebuilt: float
    kept: float
    setting: Mapping[str, str]

    @property
    def higher_on_every_film(self) -> bool:
        """Whether pairwise and B-cubed F1 of every film are higher after the corrections of its own gallery."""
        return all(_is_higher(one.before[name], one.after[name]) for name, one in self.alone.items())

    @property
    def undone(self) -> bool:
        """Whether undoing restored the state bit for bit in every gallery."""
        return self.together.undone and all(one.undone for one in self.alone.values())


def report_of(result: IdentityResult) -> dict[str, Any]:
    """The result as JSON has it."""
    return {
        "setting": dict(result.setting),
        "corrections": result.corrections,
        "higher_on_every_film": result.higher_on_every_film,
        "undo_restores_bit_for_bit": result.undone,
        "incremental": {"b_cubed_f1_to_rebuilt": result.rebuilt, "ids_kept": result.kept},
        "films": {name: _corrected_view(one, name) for name, one in result.alone.items()},
        "together": {
            "all": _corrected_view(result.together, ""),
            "films": {
                name: {"before": _view(result.together.before[name]), "after": _view(result.together.after[name])}
                for name in result.alone
            },
        },
    }


def page_of(result: IdentityResult) -> str:
    """The result as Markdown."""
    lines = [
        "# Identities",
        "",
        f"{', '.join(f'{key} {value}' for key, value in result.setting.items())}. Before anything was said, and after "
        f"{result.corrections} corrections from the review queue, answered by the truth.",
        "",
        "| gallery | identities | pairwise P | R | F1 | after | B-cubed P | R | F1 | after | same | other |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, one, name) for name, one in result.alone.items()),
        _row("all films", result.together, ""),
        "",
        f"Higher on every film: {_yes(result.higher_on_every_film)}. "
        f"Undo restored the state bit for bit: {_yes(result.undone)}.",
        f"Grown film by film against clustered at once: B-cubed F1 {result.rebuilt:.3f}; "
        f"{100 * result.kept:.1f} % of the appearances keep their identity's id.",
        "",
    ]
    return "\n".join(lines)


def _row(title: str, one: Corrected, name: str) -> str:
    before, after = one.before[name], one.after[name]
    cells = [title, str(before.identities)]
    for pair in ((before.pairwise, after.pairwise), (before.b_cubed, after.b_cubed)):
        cells += [f"{value:.3f}" for value in (pair[0].precision, pair[0].recall, pair[0].f1, pair[1].f1)]
    return f"| {' | '.join([*cells, str(one.confirmed), str(one.rejected)])} |"


def _corrected_view(one: Corrected, name: str) -> dict[str, Any]:
    return {
        "before": _view(one.before[name]),
        "after": _view(one.after[name]),
        "confirmed": one.confirmed,
        "rejected": one.rejected,
        "undo_restores_bit_for_bit": one.undone,
    }


def _view(figures: Figures) -> dict[str, Any]:
    return {
        "identities": figures.identities,
        **{
            name: {"precision": each.precision, "recall": each.recall, "f1": each.f1}
            for name, each in (("pairwise", figures.pairwise), ("b_cubed", figures.b_cubed))
        },
    }


def _is_higher(before: Figures, after: Figures) -> bool:
    return after.pairwise.f1 > before.pairwise.f1 and after.b_cubed.f1 > before.b_cubed.f1


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
