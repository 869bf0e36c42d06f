"""Recipes for networks that see: faces, bodies, persons, pictures beside words."""

from __future__ import annotations

from export.recipes.card import Card, Form

LISTED = "keys and shapes of the public code"
REAL = "real weights"

SEEN: tuple[Card, ...] = (
    Card(
        name="arcface",
        module="faces",
        gives=("face_encoder",),
        modality="face",
        form=Form.WEIGHTS,
        checkpoint="arcface_torch IResNet-18, 34, 50, 100 (backbone.pth)",
        project="deepinsight/insightface",
        code_licence="MIT",
        weights_licence="non-commercial research only",
        checked="all four lists of keys and shapes of the public code; IResNet-18 written and compared with torch",
        never="real weights; the public code's numbers",
    ),
    Card(
        name="scrfd",
        module="scrfd",
        gives=("person_detector",),
        modality="faces in pictures, with five points",
        form=Form.GRAPH,
        checkpoint="SCRFD with points as ONNX (det_10g.onnx and its like)",
        project="deepinsight/insightface",
        code_licence="MIT",
        weights_licence="non-commercial research only",
        checked="a graph of the known outputs against cell-by-cell decoding; NMS and alignment by hand-made boxes",
        never="a real SCRFD graph",
    ),
    Card(
        name="osnet",
        module="bodies",
        gives=("body_encoder",),
        modality="body",
        form=Form.WEIGHTS,
        checkpoint="torchreid OSNet x1.0, x0.75, x0.5, x0.25 and AIN x1.0",
        project="KaiyangZhou/deep-person-reid",
        code_licence="MIT",
        weights_licence="MIT; trained on sets with terms of their own",
        checked="lists of x1.0 and AIN; answers of torchreid 0.2.5 itself to the same seeded weights",
        never="real weights",
    ),
    Card(
        name="adaface",
        module="faces",
        gives=("face_encoder",),
        modality="face",
        form=Form.WEIGHTS,
        checkpoint="AdaFace IR-18, 34, 50, 101 (state_dict with model.)",
        project="mk-minchul/AdaFace",
        code_licence="MIT",
        weights_licence="MIT; trained on sets with terms of their own",
        checked="lists of IR-18, 50 and 101; IR-18 written and compared with torch",
        never="real weights; the public code's numbers; IR-34 against a list",
    ),
)
