"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["GalleryOption", "JsonOption", "YesOption"]

GalleryOption = Annotated[str, typer.Option("--gallery", "-g", help="The gallery; a query never crosses galleries.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")]
