"""YOLOX, a detector of 80 kinds of things, with the public keys; persons leave it, in pixels.

Sources: Ge et al., "YOLOX", arXiv:2107.08430v2; Megvii-BaseDetection/YOLOX at 6ddff48, `yolox/models/`; keys:
methods.md 7.7 and `papers/state_dicts/YOLOX_s.tsv`. Pictures are BGR, 0..255, not normalised: turned round inside the
graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.public.yolox_parts import Pyramid, Unit

STRIDES = (8, 16, 32)
# Of the classes of COCO, the first.
PERSON = 0


class Head(nn.Module):
    """Two towers at each level: one says what it is, the other where it is and whether there is anything.

    Args:
        width: channels of the towers.
        sources: channels of each level.
        classes: kinds of things.
    """

    def __init__(self, *, width: int, sources: Sequence[int], classes: int) -> None:
        super().__init__()
        self.stems = nn.ModuleList([Unit(source, width, 1) for source in sources])
        self.cls_convs = nn.ModuleList([_tower(width) for _ in sources])
        self.reg_convs = nn.ModuleList([_tower(width) for _ in sources])
        self.cls_preds = nn.ModuleList([nn.Conv2d(width, classes, 1) for _ in sources])
        self.reg_preds = nn.ModuleList([nn.Conv2d(width, 4, 1) for _ in sources])
        self.obj_preds = nn.ModuleList([nn.Conv2d(width, 1, 1) for _ in sources])

    def forward(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Predict.

        Args:
            levels: [B, C_i, S / stride, S / stride] at strides of 8, 16 and 32, float32.

        Returns:
            Places [B, A, 4] as the network gives them, logits of there being anything [B, A, 1] and of each kind
            [B, A, K].

        Shape legend: B pictures, S pixels of a side, A cells of all levels, K kinds.
        """
        places, things, kinds = [], [], []
        for index, level in enumerate(levels):
            x = self.stems[index](level)
            seen, placed = self.cls_convs[index](x), self.reg_convs[index](x)
            kinds.append(_rows(self.cls_preds[index](seen)))
            places.append(_rows(self.reg_preds[index](placed)))
            things.append(_rows(self.obj_preds[index](placed)))
        return torch.cat(places, dim=1), torch.cat(things, dim=1), torch.cat(kinds, dim=1)


class Yolox(nn.Module):
    """Pictures to the best persons.

    Args:
        depth: factor on the number of blocks.
        width: factor on the channels.
        side: rows and columns of the picture, in pixels; a multiple of 32.
        proposals: persons that leave the network.
        classes: kinds of things that it was trained for.
    """

    centres: Tensor
    strides: Tensor

    def __init__(self, *, depth: float, width: float, side: int = 640, proposals: int = 300, classes: int = 80) -> None:
        super().__init__()
        self.backbone = Pyramid(depth=depth, width=width)
        self.head = Head(width=int(256 * width), sources=[int(c * width) for c in (256, 512, 1024)], classes=classes)
        self.proposals = proposals
        cells = [_cells(side // stride) for stride in STRIDES]
        strides = [torch.full((len(part), 1), float(s)) for part, s in zip(cells, STRIDES, strict=True)]
        self.register_buffer("centres", torch.cat(cells).unsqueeze(0), persistent=False)
        self.register_buffer("strides", torch.cat(strides).unsqueeze(0), persistent=False)
        # The public code sets this on every norm after it has built them.
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = 1e-3

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Detect.

        Args:
            image: [B, S, S, 3], uint8 (or float), 0..255, RGB.

        Returns:
            Boxes [B, N, 4], (x0, y0, x1, y1) in pixels, and scores [B, N, 3] of face, head and person, 0..1, best
            first; both float32.

        Shape legend: B pictures, S pixels of a side, N proposals, A cells of all levels.
        """
        bgr = torch.flip(image.permute(0, 3, 1, 2).to(torch.float32), dims=(1,))
        # [B, A, 4], [B, A]
        boxes, scores = self.persons(bgr)
        best, index = scores.topk(self.proposals, dim=1)
        # [B, N, 1]
        column, persons = index.unsqueeze(2), best.unsqueeze(2)
        nothing = torch.zeros_like(persons).expand(-1, -1, 2)
        return boxes.gather(1, column.expand(-1, -1, 4)), torch.cat([nothing, persons], dim=2)

    def persons(self, bgr: Tensor) -> tuple[Tensor, Tensor]:
        """Every cell's box and how surely a person is in it: BGR [B, 3, S, S] -> [B, A, 4] in pixels and [B, A]."""
        places, things, kinds = self.head(self.backbone(bgr))
        middle = (places[..., :2] + self.centres) * self.strides
        half = places[..., 2:].exp() * self.strides / 2.0
        scores = things[..., 0].sigmoid() * kinds[..., PERSON].sigmoid()
        return torch.cat([middle - half, middle + half], dim=2), scores


def _tower(width: int) -> nn.Sequential:
    return nn.Sequential(Unit(width, width, 3), Unit(width, width, 3))


def _rows(level: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, h w, C]."""
    return level.flatten(2).transpose(1, 2)


def _cells(side: int) -> Tensor:
    """Column and row of each cell, row by row: [side * side, 2]."""
    index = torch.arange(side * side)
    return torch.stack([index % side, index // side], dim=1).to(torch.float32)
