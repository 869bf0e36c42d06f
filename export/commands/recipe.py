"""`python -m export recipe list`. It needs rich alone."""

from __future__ import annotations

from export.recipes.catalogue import CARDS


def show() -> None:
    """Print the recipes as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Recipes for public checkpoints", expand=False)
    for heading in ("recipe", "for", "gives", "takes", "licence: code", "licence: weights"):
        table.add_column(heading, overflow="fold")
    for card in CARDS:
        gives = ", ".join(card.gives)
        table.add_row(card.name, card.modality, gives, card.checkpoint, card.code_licence, card.weights_licence)
    Console().print(table)
