"""What is trained: how a batch is made and what its loss is."""

from training.tasks.activity import ActivityTask
from training.tasks.aggregation import AggregationTask
from training.tasks.association import AssociationTask
from training.tasks.base import Task
from training.tasks.description import DescriptionTask
from training.tasks.detector import DetectorTask
from training.tasks.encoder import EncoderTask
from training.tasks.speaking import SpeakingTask
from training.tasks.voice import VoiceTask

__all__ = [
    "ActivityTask",
    "AggregationTask",
    "AssociationTask",
    "DescriptionTask",
    "DetectorTask",
    "EncoderTask",
    "SpeakingTask",
    "Task",
    "VoiceTask",
]
