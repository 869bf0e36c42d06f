"""`personsearch videos`, `delete` and `galleries`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from personsearch.cli.failures import call
from personsearch.cli.json_view import gallery_view, print_json, receipt_view, video_view
from personsearch.cli.options import GalleryOption, JsonOption, YesOption
from personsearch.cli.tables import gallery_table, receipt_table, video_table
from personsearch.client import DEFAULT_GALLERY, PersonSearchClient
from personsearch.v1 import ingest_service_pb2

__all__ = ["delete", "galleries", "videos"]

galleries = typer.Typer(help="List, create and delete galleries.", no_args_is_help=True)


def videos(gallery: GalleryOption = DEFAULT_GALLERY, as_json: JsonOption = False) -> None:
    """List the videos of a gallery, newest first, with how far each is."""
    found = call(lambda client: client.list_videos(gallery=gallery), as_json=as_json)
    if as_json:
        print_json({"videos": [video_view(video) for video in found]})
        return
    Console().print(video_table(found) if found else f"The gallery {gallery!r} holds no video.")


def delete(
    video_ids: Annotated[list[str], typer.Argument(metavar="VIDEO_ID...", help="Ids, as `videos` prints them.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete videos from every store, look again, and say what was found. The files themselves stay."""
    if not yes:
        typer.confirm(f"Delete {len(video_ids)} video(s) of the gallery {gallery!r}?", abort=True, err=True)

    async def act(client: PersonSearchClient) -> dict[str, list[ingest_service_pb2.StoreReceipt]]:
        return {video_id: await client.delete_video(video_id, gallery=gallery) for video_id in video_ids}

    deleted = call(act, as_json=as_json)
    if as_json:
        views = [
            {"video_id": video_id, "receipts": [receipt_view(receipt) for receipt in receipts]}
            for video_id, receipts in deleted.items()
        ]
        print_json({"deleted": views})
        return
    for video_id, receipts in deleted.items():
        Console().print(f"deleted {video_id}", receipt_table(receipts), sep="\n")


@galleries.command("list")
def list_galleries(as_json: JsonOption = False) -> None:
    """List all galleries."""
    found = call(lambda client: client.list_galleries(), as_json=as_json)
    if as_json:
        print_json({"galleries": [gallery_view(gallery) for gallery in found]})
        return
    Console().print(gallery_table(found) if found else "There is no gallery yet; `personsearch ingest` makes one.")


@galleries.command("create")
def create_gallery(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, dots, underscores and dashes.")],
    as_json: JsonOption = False,
) -> None:
    """Create an empty gallery."""
    made = call(lambda client: client.create_gallery(name), as_json=as_json)
    if as_json:
        print_json({"gallery": gallery_view(made)})
        return
    typer.echo(f"created {made.name}")


@galleries.command("delete")
def delete_gallery(
    name: Annotated[str, typer.Argument(help="The gallery.")], yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Delete a gallery and all it holds from every store, look again, and say what was found."""
    if not yes:
        typer.confirm(f"Delete the gallery {name!r} and all it holds?", abort=True, err=True)
    receipts = call(lambda client: client.delete_gallery(name), as_json=as_json)
    if as_json:
        print_json({"gallery": name, "receipts": [receipt_view(receipt) for receipt in receipts]})
        return
    Console().print(f"deleted {name}", receipt_table(receipts), sep="\n")
