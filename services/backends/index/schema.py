"""The collections: their names, columns and indexes, in a form that Milvus 2.3, later ones and Milvus Lite accept.

So there is no `nullable` column (2.3 refuses the insert), one vector to a collection, and a two-float dummy where
there is no embedding. The gallery is the partition key, but for the few rows of galleries and videos. The pack's
digest is part of the name of what depends on the pack, and an alias without it points to the live one. Nothing reads by
alias: whoever asks with one pack must not be answered by another. It says which pack may serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pymilvus import CollectionSchema, DataType, FieldSchema
from pymilvus.milvus_client.index import IndexParams

from packs.spec import Modality
from services.backends.index.rows import MAX_TEXT_BYTES

__all__ = [
    "APPEARANCES_ALIAS",
    "APPEARANCES_PREFIX",
    "EMBEDDING_PREFIX",
    "MEMBERSHIPS",
    "OPERATIONS",
    "PREVIOUS_ALIAS",
    "Collection",
    "alias_of",
    "collections_of",
    "embedding_collection",
    "pack_key_of",
]

APPEARANCES_ALIAS = "personsearch_appearances"
APPEARANCES_PREFIX = f"{APPEARANCES_ALIAS}_"
# Points to the appearances of the pack that was live before.
PREVIOUS_ALIAS = "personsearch_previous"
EMBEDDING_PREFIX = {modality: f"personsearch_{modality}_" for modality in Modality}
_HNSW = {"M": 24, "efConstruction": 200}
_ID_LENGTH = 64
_DUMMY_LENGTH = 2
_KEY_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of ours.

    Attributes:
        name: Its name in Milvus.
        key: Its primary column.
        columns: What a read asks for.
        alias: The name that follows the live pack; None where no pack is involved.
        dimension: Length of the vector; None for a dummy.
        partitioned: Whether the gallery is its partition key; it then takes no upserts (see `Connection.replace`).
    """

    name: str
    key: str
    columns: tuple[str, ...]
    alias: str | None = None
    dimension: int | None = None
    partitioned: bool = False

    def schema(self) -> CollectionSchema:
        """Describe the columns to Milvus."""
        columns = [_COLUMNS[name] for name in self.columns if name != "vector"]
        fields = [
            FieldSchema(
                name, kind, is_primary=name == self.key, is_partition_key=self.partitioned and name == "gallery", **more
            )
            for name, (kind, more) in zip(self.columns, columns)
        ]
        fields.append(FieldSchema("vector", DataType.FLOAT_VECTOR, dim=self.dimension or _DUMMY_LENGTH))
        return CollectionSchema(fields, enable_dynamic_field=False)

    def index(self) -> IndexParams:
        """Describe the vector's index to Milvus."""
        params = IndexParams()
        if self.dimension is None:
            params.add_index("vector", index_type="FLAT", metric_type="L2")
        else:
            params.add_index("vector", index_type="HNSW", metric_type="COSINE", params=_HNSW)
        return params


def pack_key_of(pack_digest: str) -> str:
    """What of a pack's digest is in the names of its collections."""
    return pack_digest[:_KEY_LENGTH]


def alias_of(modality: Modality) -> str:
    """Name the alias of the live embeddings of one modality."""
    return f"personsearch_{modality}"


def embedding_collection(modality: Modality, pack_digest: str, dimension: int) -> Collection:
    """Name the collection of a pack's embeddings of one modality."""
    name = f"{EMBEDDING_PREFIX[modality]}{pack_key_of(pack_digest)}"
    columns = (*_PLACE, "quality", "vector")
    return Collection(name, "appearance_id", columns, alias_of(modality), dimension, partitioned=True)


def collections_of(pack_digest: str, dimensions: Mapping[Modality, int]) -> tuple[Collection, ...]:
    """Name all collections that an index of one pack uses."""
    return (
        Collection("personsearch_galleries", "gallery", ("gallery", "created_at")),
        Collection("personsearch_videos", "video_id", ("video_id", "gallery", "state", "created_at", "details")),
        Collection(
            f"{APPEARANCES_PREFIX}{pack_key_of(pack_digest)}",
            "appearance_id",
            (*_PLACE, "kind", "details", "boxes"),
            alias=APPEARANCES_ALIAS,
            partitioned=True,
        ),
        *(embedding_collection(modality, pack_digest, dimension) for modality, dimension in dimensions.items()),
    )


_PLACE = ("appearance_id", "gallery", "video_id", "start_s", "end_s", "generation")
_COLUMNS: Mapping[str, tuple[DataType, Mapping[str, int]]] = {
    "appearance_id": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "operation_id": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "identity_id": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "gallery": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "video_id": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "start_s": (DataType.DOUBLE, {}),
    "end_s": (DataType.DOUBLE, {}),
    "created_at": (DataType.DOUBLE, {}),
    "generation": (DataType.INT64, {}),
    "number": (DataType.INT64, {}),
    "quality": (DataType.FLOAT, {}),
    "state": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "kind": (DataType.VARCHAR, {"max_length": _ID_LENGTH}),
    "details": (DataType.VARCHAR, {"max_length": MAX_TEXT_BYTES}),
    "boxes": (DataType.VARCHAR, {"max_length": MAX_TEXT_BYTES}),
}

# What people said, and who is who, belongs to no pack.
OPERATIONS = Collection(
    "personsearch_operations",
    "operation_id",
    ("operation_id", "gallery", "number", "created_at", "kind", "details"),
)
MEMBERSHIPS = Collection(
    "personsearch_memberships", "appearance_id", (*_PLACE, "identity_id", "details"), partitioned=True
)
