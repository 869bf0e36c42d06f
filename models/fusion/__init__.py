"""Several embeddings made one: two streams (APES), NetVLAD and attention (iQIYI-VID), associations (CSM-V)."""

from models.fusion.associative import (
    AssociativeEmbeddings,
    AssociativeNetwork,
    ModalityGate,
    QualityGate,
    associative_network,
)
from models.fusion.attention import MultiModalAttention
from models.fusion.attentive import AttentiveNetwork, attentive_network
from models.fusion.clip import ClipIdentifier, FrameMean, clip_identifier
from models.fusion.dropout import ModalityDropout, drop_modalities
from models.fusion.netvlad import NetVlad, netvlad
from models.fusion.presets import (
    associative_paper,
    associative_small,
    associative_tracklets,
    attentive_tracklets,
    clip_identifier_paper,
    clip_identifier_small,
    netvlad_small,
    two_stream_mfcc_published,
    two_stream_paper,
    two_stream_small,
)
from models.fusion.served import PresenceGraph, QualityGraph
from models.fusion.two_stream import TwoStream, TwoStreamEmbeddings, two_stream

__all__ = [
    "AssociativeEmbeddings",
    "AssociativeNetwork",
    "AttentiveNetwork",
    "ClipIdentifier",
    "FrameMean",
    "ModalityDropout",
    "ModalityGate",
    "MultiModalAttention",
    "NetVlad",
    "PresenceGraph",
    "QualityGate",
    "QualityGraph",
    "TwoStream",
    "TwoStreamEmbeddings",
    "associative_network",
    "associative_paper",
    "associative_small",
    "associative_tracklets",
    "attentive_network",
    "attentive_tracklets",
    "clip_identifier",
    "clip_identifier_paper",
    "clip_identifier_small",
    "drop_modalities",
    "netvlad",
    "netvlad_small",
    "two_stream",
    "two_stream_mfcc_published",
    "two_stream_paper",
    "two_stream_small",
]
