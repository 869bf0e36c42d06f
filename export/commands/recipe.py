"""`python -m export recipe list`. It needs rich alone."""

from __future__ import annotations

from export.recipes.catalogue import CARDS

HEADINGS = ("recipe", "for", "gives", "takes", "licence: code", "licence: weights")
CHECKED = (
    "recipe",
    "checkpoint; project",
    "licence of code",
    "licence of weights",
    "checked, and against what",
    "never run",
)


def show() -> None:
    """Print the recipes as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Recipes for public checkpoints", expand=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for card in CARDS:
        gives = ", ".join(card.gives)
        table.add_row(card.name, card.modality, gives, card.checkpoint, card.code_licence, card.weights_licence)
    Console().print(table)


def markdown() -> str:
    """The table of `docs/recipes.md`: licences, what was checked and against what, what was never run."""
    rows = [
        f"| `{card.name}` | {card.checkpoint}; {card.project} | {card.code_licence} | {card.weights_licence} "
        f"| {card.checked} | {card.never} |"
        for card in CARDS
    ]
    head = "| " + " | ".join(CHECKED) + " |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])
