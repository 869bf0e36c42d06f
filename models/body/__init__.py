"""Bodies: AlignedReID++, an embedding of the whole and one of each horizontal stripe."""

from models.body.aligned import AlignedBody, BodyEmbeddings, StripeHead, stripe_head
from models.body.presets import aligned_body_paper, aligned_body_small
from models.body.stripes import element_distances, shortest_path, stripe_distances

__all__ = [
    "AlignedBody",
    "BodyEmbeddings",
    "StripeHead",
    "aligned_body_paper",
    "aligned_body_small",
    "element_distances",
    "shortest_path",
    "stripe_distances",
    "stripe_head",
]
