"""Recipes for networks that hear or read: voices, speech, words, who speaks."""

from __future__ import annotations

from export.recipes.card import Card, Form

HEARD: tuple[Card, ...] = (
    Card(
        name="ecapa",
        module="voices",
        gives=("voice_encoder",),
        modality="voice",
        form=Form.WEIGHTS,
        checkpoint="SpeechBrain spkrec-ecapa-voxceleb (embedding_model.ckpt)",
        project="speechbrain/speechbrain",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        checked="list; features and embeddings of speechbrain 1.1.2 itself for the same seeded weights and sound",
        never="real weights",
    ),
    Card(
        name="wespeaker",
        module="voices",
        gives=("voice_encoder",),
        modality="voice",
        form=Form.WEIGHTS,
        checkpoint="WeSpeaker ResNet34 and ResNet34-LM (avg_model.pt)",
        project="wenet-e2e/wespeaker",
        code_licence="Apache-2.0",
        weights_licence="CC-BY-4.0",
        checked="list; features against kaldi-native-fbank 1.22 on the same sound",
        never="real weights; the public code's numbers",
    ),
)
