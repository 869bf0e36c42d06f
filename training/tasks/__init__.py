"""What is trained: how a batch is made and what its loss is."""

from training.tasks.base import Task
from training.tasks.detector import DetectorTask
from training.tasks.encoder import EncoderTask

__all__ = ["DetectorTask", "EncoderTask", "Task"]
