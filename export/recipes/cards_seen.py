"""Recipes for networks that see: faces, bodies, persons, pictures beside words."""

from __future__ import annotations

from export.recipes.card import Card, Form

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
        checked=(
            "lists of IResNet-18, 34, 50 and 100 of the public code; IResNet-18 and 100 with seeded weights "
            "written and compared by hand"
        ),
        never="real weights; the public code's own answers; MobileFaceNet, which is no part of it",
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
        checked=(
            "made graphs of the known outputs, one by one and batched, against decoding cell by cell; NMS, "
            "points and alignment by a hand-made face"
        ),
        never="a real SCRFD graph; graphs without points are refused",
    ),
    Card(
        name="rtdetr",
        module="persons",
        gives=("person_detector",),
        modality="persons in pictures",
        form=Form.TRANSFORMERS,
        checkpoint="RT-DETR for transformers (model.safetensors, config.json)",
        project="lyuwenyu/RT-DETR, huggingface/transformers",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        checked="a small network saved by transformers 5.24: boxes and scores against its own",
        never="real weights; RT-DETR's own files, which have other keys; RT-DETRv2",
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
        checked=(
            "lists of x1.0, x0.25 and AIN; embeddings of torchreid 0.2.5 itself for the same seeded weights "
            "(x0.25, AIN in the tests, x1.0 by hand)"
        ),
        never="real weights; x0.75 and x0.5 against a list",
    ),
    Card(
        name="clip",
        module="image_text",
        gives=("image_encoder", "text_encoder"),
        modality="pictures and words",
        form=Form.TRANSFORMERS,
        checkpoint="CLIP for transformers, or OpenAI's state dict (ViT-B/32, B/16, L/14)",
        project="openai/CLIP, huggingface/transformers",
        code_licence="MIT",
        weights_licence="MIT",
        checked=(
            "a small CLIP saved by transformers 5.24 against its own answers; OpenAI's lists of ViT-B/32, B/16 "
            "and L/14; pictures and words of OpenCLIP 3.3 for the same seeded weights under OpenAI's keys"
        ),
        never="real weights; OpenAI's archive itself, which is TorchScript and refused: its state_dict is taken",
    ),
    Card(
        name="siglip",
        module="image_text",
        gives=("image_encoder", "text_encoder"),
        modality="pictures and words",
        form=Form.TRANSFORMERS,
        checkpoint="SigLIP for transformers (model.safetensors, config.json)",
        project="google-research/big_vision, huggingface/transformers",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        checked="a small SigLIP saved by transformers 5.24 against its own answers",
        never="real weights; SigLIP 2",
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
        checked=(
            "lists of IR-18, 50 and 101 of the public code; IR-18 with seeded weights written and compared by hand"
        ),
        never="real weights; the public code's own answers; IR-34 against a list",
    ),
    Card(
        name="clip-reid",
        module="bodies",
        gives=("body_encoder",),
        modality="body",
        form=Form.WEIGHTS,
        checkpoint="CLIP-ReID ViT-B/16, patches apart (stride 16) or overlapping (12)",
        project="Syliz517/CLIP-ReID",
        code_licence="MIT",
        weights_licence="MIT; trained on sets with terms of their own",
        checked=(
            "CLIP's list of ViT-B/16 with the grid that the public code gives it, at both strides; stride 16 "
            "with seeded weights written and compared by hand"
        ),
        never="real weights; the public code's own answers; vectors of cameras, which are left out",
    ),
    Card(
        name="yolox",
        module="things",
        gives=("person_detector",),
        modality="persons in pictures",
        form=Form.WEIGHTS,
        checkpoint="YOLOX-tiny, s, m, l, x",
        project="Megvii-BaseDetection/YOLOX",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        checked=(
            "lists of s and tiny; boxes and scores of all cells of yolox 0.3.0 itself for the same seeded "
            "weights (tiny in the tests, s by hand)"
        ),
        never="real weights; m, l and x against a list; nano, which is built of other layers, is refused",
    ),
)
