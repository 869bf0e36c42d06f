"""`personsearch identity`: who is who, and what is said of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from personsearch.cli.failures import call
from personsearch.cli.identity_tables import identity_table, log_table, operation_line, place_table, review_table
from personsearch.cli.identity_views import identity_view, operation_view, place_view, review_view
from personsearch.cli.json_view import erased_view, print_json
from personsearch.cli.options import GalleryOption, JsonOption, YesOption
from personsearch.cli.tables import receipt_table
from personsearch.client import DEFAULT_GALLERY, PersonSearchClient
from personsearch.v1 import operation_pb2

__all__ = ["identities"]

identities = typer.Typer(
    help="Who is who: unknown people have ids; name, merge, split and erase them, confirm and reject pairs, undo.",
    no_args_is_help=True,
)

IdentityArgument = Annotated[str, typer.Argument(metavar="IDENTITY_ID", help="Id, as `identity list` prints it.")]
FirstArgument = Annotated[str, typer.Argument(metavar="APPEARANCE_ID", help="One of the two.")]
SecondArgument = Annotated[str, typer.Argument(metavar="APPEARANCE_ID", help="The other.")]
AuthorOption = Annotated[str, typer.Option("--author", help="Who says so, for the log.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most this many.")]


@identities.command("list")
def list_identities(
    gallery: GalleryOption = DEFAULT_GALLERY,
    named: Annotated[bool, typer.Option("--named", help="Only those with a name.")] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the people of a gallery, those who appear most often first."""
    found = call(lambda client: client.list_identities(gallery=gallery, named_only=named, limit=limit), as_json=as_json)
    if as_json:
        print_json({"identities": [identity_view(one) for one in found]})
        return
    Console().print(identity_table(found) if found else f"Nobody is known in the gallery {gallery!r} yet.")


@identities.command("show")
def show(identity_id: IdentityArgument, gallery: GalleryOption = DEFAULT_GALLERY, as_json: JsonOption = False) -> None:
    """Show a person and where they appear."""
    identity, places = call(lambda client: client.get_identity(identity_id, gallery=gallery), as_json=as_json)
    if as_json:
        print_json({"identity": identity_view(identity), "places": [place_view(place) for place in places]})
        return
    Console().print(identity_table([identity]), "", place_table(places), sep="\n")


@identities.command("name")
def name(
    identity_id: IdentityArgument,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="The name; an empty one takes it away.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Give a person a name."""
    answer = call(
        lambda client: client.name_identity(identity_id, new_name, gallery=gallery, author=author), as_json=as_json
    )
    operation = answer.operation if answer.HasField("operation") else None
    if as_json:
        print_json({"operation": operation and operation_view(operation), "identity": identity_view(answer.identity)})
        return
    Console().print(operation_line(operation), identity_table([answer.identity]), sep="\n")


@identities.command("merge")
def merge(
    identity_id: Annotated[str, typer.Argument(metavar="IDENTITY_ID", help="The one that keeps its id.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER_ID...", help="Those that are the same person.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that several are one person."""
    answer = call(
        lambda client: client.merge_identities(identity_id, others, gallery=gallery, author=author), as_json=as_json
    )
    operation = answer.operation if answer.HasField("operation") else None
    if as_json:
        print_json({"operation": operation and operation_view(operation), "identity": identity_view(answer.identity)})
        return
    Console().print(operation_line(operation), identity_table([answer.identity]), sep="\n")


@identities.command("split")
def split(
    identity_id: IdentityArgument,
    appearance_ids: Annotated[list[str], typer.Argument(metavar="APPEARANCE_ID...", help="Who is somebody else.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that some appearances are another person than the rest."""
    answer = call(
        lambda client: client.split_identity(identity_id, appearance_ids, gallery=gallery, author=author),
        as_json=as_json,
    )
    if as_json:
        views = {"identity": identity_view(answer.identity), "split_off": identity_view(answer.split_off)}
        print_json({"operation": operation_view(answer.operation), **views})
        return
    Console().print(operation_line(answer.operation), identity_table([answer.identity, answer.split_off]), sep="\n")


@identities.command("confirm")
def confirm(
    first: FirstArgument,
    second: SecondArgument,
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that two appearances are the same person; searches follow the pair from now on."""
    answer = call(
        lambda client: client.confirm_association(first, second, gallery=gallery, author=author), as_json=as_json
    )
    if as_json:
        print_json({"operation": operation_view(answer.operation), "identity": identity_view(answer.identity)})
        return
    Console().print(operation_line(answer.operation), identity_table([answer.identity]), sep="\n")


@identities.command("reject")
def reject(
    first: FirstArgument,
    second: SecondArgument,
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that two appearances are two people; no search follows the pair any more."""
    answer = call(
        lambda client: client.reject_association(first, second, gallery=gallery, author=author), as_json=as_json
    )
    both = [answer.first_identity, answer.second_identity]
    if as_json:
        print_json(
            {"operation": operation_view(answer.operation), "identities": [identity_view(each) for each in both]}
        )
        return
    Console().print(operation_line(answer.operation), identity_table(both), sep="\n")


@identities.command("erase")
def erase(
    identity_id: IdentityArgument,
    gallery: GalleryOption = DEFAULT_GALLERY,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from every store, look again, and say what was found. Videos and files stay; there is no undo."""
    if not yes:
        typer.confirm(f"Erase the person {identity_id} of the gallery {gallery!r} for good?", abort=True, err=True)
    answer = call(lambda client: client.erase_identity(identity_id, gallery=gallery), as_json=as_json)
    if as_json:
        print_json({"erased": erased_view(answer)})
        return
    counts = f"{answer.appearance_count} appearances in {answer.video_count} videos"
    Console().print(f"erased {answer.identity_id}: {counts}", receipt_table(answer.receipts), sep="\n")


@identities.command("undo")
def undo(
    number: Annotated[int, typer.Argument(min=1, help="Number of the operation, as `identity log` prints it.")],
    gallery: GalleryOption = DEFAULT_GALLERY,
    author: AuthorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take back what was said; undo the undo to say it again."""
    operation = call(lambda client: client.undo_operation(number, gallery=gallery, author=author), as_json=as_json)
    if as_json:
        print_json({"operation": operation_view(operation)})
        return
    Console().print(operation_line(operation))


@identities.command("log")
def log(gallery: GalleryOption = DEFAULT_GALLERY, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List what was said, newest first."""

    async def read(client: PersonSearchClient) -> list[operation_pb2.Operation]:
        found: list[operation_pb2.Operation] = []
        async for operation in client.list_operations(gallery=gallery):
            found.append(operation)
            if len(found) == limit:
                break
        return found

    found = call(read, as_json=as_json)
    if as_json:
        print_json({"operations": [operation_view(one) for one in found]})
        return
    Console().print(log_table(found) if found else f"Nothing has been said in the gallery {gallery!r} yet.")


@identities.command("review")
def review(
    gallery: GalleryOption = DEFAULT_GALLERY,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="At most this many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the pairs to look at, most uncertain first; answer with `confirm` or `reject`."""
    found = call(lambda client: client.list_reviews(gallery=gallery, limit=limit), as_json=as_json)
    if as_json:
        print_json({"reviews": [review_view(one) for one in found]})
        return
    Console().print(review_table(found) if found else "There is nothing to ask.")
