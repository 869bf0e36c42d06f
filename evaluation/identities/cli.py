"""`python -m evaluation identities`: how well unknown people are told apart in a gallery that was ingested before."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from evaluation.gallery.work import GALLERY
from evaluation.identities.correcting import correct
from evaluation.identities.loading import KeptGallery, composed, read_gallery
from evaluation.identities.report import IdentityResult, page_of, report_of
from evaluation.metrics.partition import b_cubed
from evaluation.truth import load_film
from packs.manifest import Pack
from services.association.identities.growing import rebuilt
from services.association.identities.people import homes_of
from services.runtime.settings import default_pack_dir

__all__ = ["identities_command", "measure_identities"]


def identities_command(
    out: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder of `evaluation gallery --out`.")],
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the result file; the page lies beside it.")],
    corrections: Annotated[int, typer.Option(min=1, help="How many corrections each gallery gets.")] = 20,
    pack: Annotated[Path | None, typer.Option(help="The pack that it was ingested with; the demo pack.")] = None,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a claim does not hold.")] = False,
) -> None:
    """Cluster a gallery's people, correct what the review queue asks, and compare with the truth before and after."""
    films = [load_film(each.parent) for each in sorted((out / "films").glob("*/truth.json"))]
    loaded = Pack.load(pack or default_pack_dir())
    gallery = asyncio.run(read_gallery(out / "state" / "milvus", GALLERY, films, loaded))
    result = asyncio.run(measure_identities(gallery, corrections))
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report_of(result), indent=2) + "\n", encoding="utf-8")
    page = page_of(result)
    json_path.with_suffix(".md").write_text(page, encoding="utf-8")
    typer.echo(page)
    if require and not (result.higher_on_every_film and result.undone):
        raise typer.Exit(1)


async def measure_identities(gallery: KeptGallery, corrections: int) -> IdentityResult:
    """Correct each film as a gallery of its own, then all together."""
    alone = {}
    for kept in gallery.videos:
        served = await composed(gallery, [kept])
        alone[kept.film.name] = await correct(served, gallery.name, {kept.film.name: kept.who}, corrections)
        await served.aclose()
    served = await composed(gallery, gallery.videos)
    people = await served.keeper.people(gallery.name)
    grown = people.homes
    weights = await served.keeper.weights(gallery.name, people.nodes)
    whole = homes_of(rebuilt(people.nodes, weights, grown))
    kept_ids = sum(grown[one] == whole[one] for one in grown) / len(grown)
    who = {kept.film.name: kept.who for kept in gallery.videos}
    together = await correct(served, gallery.name, who, corrections)
    await served.aclose()
    pack = gallery.pack
    setting = {"pack": f"{pack.version} ({pack.digest[:12]})", "gallery": gallery.name}
    attributes = {name: facts for kept in gallery.videos for name, facts in kept.film.attributes.items()}
    return IdentityResult(alone, together, corrections, b_cubed(grown, whole).f1, kept_ids, setting, attributes)
