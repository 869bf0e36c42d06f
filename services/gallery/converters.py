"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from personsearch.v1 import gallery_pb2, ingest_service_pb2
from services.backends.schemas import Gallery
from services.gallery.handlers import GalleryWithCount, Receipt

__all__ = ["gallery_from_proto", "gallery_to_proto", "receipt_to_proto"]


def gallery_to_proto(counted: GalleryWithCount) -> gallery_pb2.Gallery:
    """A gallery for the wire; its time is rounded to a microsecond."""
    created = Timestamp()
    created.FromMicroseconds(round(counted.gallery.created_at * 1e6))
    return gallery_pb2.Gallery(name=counted.gallery.name, create_time=created, video_count=counted.video_count)


def gallery_from_proto(gallery: gallery_pb2.Gallery) -> GalleryWithCount:
    """A gallery of the wire."""
    created_at = gallery.create_time.ToMicroseconds() / 1e6
    return GalleryWithCount(Gallery(gallery.name, created_at), gallery.video_count)


def receipt_to_proto(receipt: Receipt) -> ingest_service_pb2.StoreReceipt:
    """What one store said of a deletion."""
    return ingest_service_pb2.StoreReceipt(store=receipt.store, deleted=receipt.deleted, remaining=receipt.remaining)
