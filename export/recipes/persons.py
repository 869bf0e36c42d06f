"""RT-DETR, a detector of persons without suppression: transformers' own network, boxes in pixels behind it.

Source: Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", arXiv:2304.08069v3. The public networks saw
pictures stretched to 640x640 and divided by 255, not normalised; here the aspect is kept, as for every detector of
ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from export.recipes.errors import RecipeError
from export.recipes.matching import Served
from export.recipes.pretrained import config_of, loaded_strictly
from export.recipes.shapes import detector
from export.recipes.source import Source
from packs.manifest import DetectionSettings

SIDE = 640
THRESHOLD, IOU = 0.5, 0.9
# Columns of face and head come before the person's; one RT-DETR knows persons alone.
COLUMNS_BEFORE = 2


class PersonGraph(nn.Module):
    """The served form: bytes in, boxes of persons in pixels out.

    Args:
        network: transformers' `RTDetrForObjectDetection`.
        label: index of persons among its classes.
        side: rows and columns of the picture, in pixels.
    """

    def __init__(self, *, network: nn.Module, label: int, side: int) -> None:
        super().__init__()
        self.network = network
        self.label = label
        self.side = side

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Detect.

        Args:
            image: [B, S, S, 3], uint8, 0..255, RGB.

        Returns:
            Boxes [B, K, 4], (x0, y0, x1, y1) in pixels, and scores [B, K, 3] of face, head and person, 0..1; both
            float32.

        Shape legend: B pictures, S pixels of a side, K proposals.
        """
        pixels = image.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        found: Any = self.network(pixel_values=pixels, return_dict=True)
        # [B, K, 1]
        persons = found.logits[:, :, self.label : self.label + 1].sigmoid()
        centre, size = found.pred_boxes[..., :2], found.pred_boxes[..., 2:]
        boxes = torch.cat([centre - size / 2.0, centre + size / 2.0], dim=2) * float(self.side)
        nothing = torch.zeros_like(persons).expand(-1, -1, COLUMNS_BEFORE)
        return boxes, torch.cat([nothing, persons], dim=2)


def serve(recipe: str, source: Source, side: int = SIDE) -> tuple[str, Sequence[Served]]:
    """The network of a file, and its detector.

    Args:
        recipe: Name of the recipe.
        source: The file.
        side: Rows and columns of the picture, in pixels, a multiple of 32; 640 is what the public networks saw.

    Raises:
        RecipeError: If the file is no RT-DETR with a class of persons.
    """
    config = config_of(source, "RTDetrConfig", "rt_detr")
    label = _person(config.id2label)
    network = loaded_strictly("RTDetrForObjectDetection", config, source.weights)
    spec = detector(side, side, config.num_queries)
    settings = DetectionSettings(model=spec.name, thresholds=(1.0, 1.0, THRESHOLD), iou=IOU)
    graph = PersonGraph(network=network, label=label, side=side).eval()
    return f"rt_detr with {config.num_queries} queries", [Served(spec, graph, detection=settings)]


def _person(labels: dict[int, str]) -> int:
    for index, name in labels.items():
        if name.lower() == "person":
            return int(index)
    raise RecipeError(f"config.json names no class 'person' among {len(labels)}: {list(labels.values())[:5]}")
