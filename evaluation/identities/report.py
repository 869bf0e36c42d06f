"""The figures of identities as JSON and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.groups import group_cells, group_means
from evaluation.identities.correcting import Corrected, Figures
from evaluation.metrics.bootstrap import Estimate
from evaluation.page import table_lines
from evaluation.report import interval_facts

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
        attributes: What is known of each person, for figures by group.
    """

    alone: Mapping[str, Corrected]
    together: Corrected
    corrections: int
    rebuilt: float
    kept: float
    setting: Mapping[str, str]
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
        "by_group": _groups(result),
    }


def page_of(result: IdentityResult) -> str:
    """The result as Markdown."""
    lines = [
        "# Identities",
        "",
        f"{', '.join(f'{key} {value}' for key, value in result.setting.items())}. Before anything was said, and after "
        f"{result.corrections} corrections from the review queue, answered by the truth.",
        "",
        "| gallery | identities | pairwise P | R | F1 (95 %) | chance | after (95 %) | B-cubed P | R | F1 (95 %) "
        "| chance | after (95 %) | same | other |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, one, name) for name, one in result.alone.items()),
        _row("all films", result.together, ""),
        "",
        f"Higher on every film: {_yes(result.higher_on_every_film)}. "
        f"Undo restored the state bit for bit: {_yes(result.undone)}.",
        f"Grown film by film against clustered at once: B-cubed F1 {result.rebuilt:.3f}; "
        f"{100 * result.kept:.1f} % of the appearances keep their identity's id.",
        "",
    ]
    return "\n".join([*lines, *_group_lines(result)])


def _row(title: str, one: Corrected, name: str) -> str:
    before, after = one.before[name], one.after[name]
    cells = [title, str(before.identities)]
    pairs = (
        (before.pairwise, before.pairwise_f1, after.pairwise_f1),
        (before.b_cubed, before.b_cubed_f1, after.b_cubed_f1),
    )
    for (agreement, first, second), chance in zip(pairs, before.chance, strict=True):
        cells += [f"{agreement.precision:.3f}", f"{agreement.recall:.3f}", _between(first), f"{chance.f1:.3f}"]
        cells.append(_between(second))
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
            name: {
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "interval": interval_facts(estimate),
                "chance_f1": chance.f1,
            }
            for name, each, estimate, chance in (
                ("pairwise", figures.pairwise, figures.pairwise_f1, figures.chance[0]),
                ("b_cubed", figures.b_cubed, figures.b_cubed_f1, figures.chance[1]),
            )
        },
    }


def _groups(result: IdentityResult) -> dict[str, Any]:
    """Mean F1 of B-cubed of people in the gallery of all films, before any correction."""
    before = result.together.before[""]
    return {"b_cubed_f1": group_means(before.by_person, result.attributes, before.chance_by_person)}


def _group_lines(result: IdentityResult) -> list[str]:
    rows = [
        (f"{grouping}: {name}", *group_cells(facts))
        for grouping, found in _groups(result)["b_cubed_f1"].items()
        for name, facts in sorted(found.items())
    ]
    return table_lines(("group, all films", "B-cubed F1 (95 %)", "chance", "people"), rows) if rows else []


def _between(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.interval[0]:.3f} to {figure.interval[1]:.3f})"


def _is_higher(before: Figures, after: Figures) -> bool:
    return after.pairwise.f1 > before.pairwise.f1 and after.b_cubed.f1 > before.b_cubed.f1


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
