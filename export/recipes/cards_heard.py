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
        never="real weights; 512 channels against a list",
    ),
    Card(
        name="wavlm-xvector",
        module="listening",
        gives=("voice_encoder",),
        modality="voice",
        form=Form.TRANSFORMERS,
        checkpoint="WavLM x-vector for transformers (with its preprocessor_config.json)",
        project="microsoft/unilm, huggingface/transformers",
        code_licence="MIT, Apache-2.0",
        weights_licence="as the UniSpeech project states; look it up",
        checked=(
            "a small network saved by transformers 5.24, with and without its feature extractor's "
            "normalisation, against its own"
        ),
        never="real weights",
    ),
    Card(
        name="bert",
        module="words",
        gives=("sentence_encoder",),
        modality="words",
        form=Form.TRANSFORMERS,
        checkpoint="BERT, MiniLM and sentence encoders of their kind for transformers",
        project="google-research/bert, huggingface/transformers",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        checked=(
            "a small BERT saved by transformers 5.24, bare and with a head of training, against its own; the "
            "mean against a sentence without padding"
        ),
        never="real weights; tokenisers",
    ),
    Card(
        name="whisper",
        module="whisper",
        gives=("speech_encoder", "speech_decoder"),
        modality="speech",
        form=Form.TRANSFORMERS,
        checkpoint="Whisper for transformers, or OpenAI's own file (tiny to medium)",
        project="openai/whisper, huggingface/transformers",
        code_licence="MIT, Apache-2.0",
        weights_licence="MIT; Apache-2.0 as published for transformers",
        checked=(
            "a small Whisper saved by transformers 5.24 against its own extractor and answers; OpenAI's list of "
            "base; features, states and logits of openai-whisper 20250625 for the same seeded weights"
        ),
        never="real weights; large, whose encoder exceeds the 2 GiB of one ONNX file; decoding with a memory",
    ),
    Card(
        name="wav2vec2-ctc",
        module="listening",
        gives=("speech_recogniser",),
        modality="speech",
        form=Form.TRANSFORMERS,
        checkpoint="wav2vec 2.0 with CTC for transformers (with its preprocessor_config.json)",
        project="facebookresearch/fairseq, huggingface/transformers",
        code_licence="MIT, Apache-2.0",
        weights_licence="Apache-2.0",
        checked="a small network saved by transformers 5.24 against its own logits",
        never="real weights; symbols to words, which need the file's vocabulary",
    ),
    Card(
        name="silero",
        module="silero",
        gives=("voice_activity",),
        modality="voice activity",
        form=Form.GRAPH,
        checkpoint="Silero VAD 5 and later as ONNX",
        project="snakers4/silero-vad",
        code_licence="MIT",
        weights_licence="MIT",
        checked=(
            "four real graphs of silero-vad 6.2.3 by hand, float32 within 4e-6 of themselves; made graphs of "
            "the same interface in the tests"
        ),
        never=("8 kHz; the graphs for one sound at a time and for whole sequences, which are refused; post-processing"),
    ),
    Card(
        name="light-asd",
        module="speaking",
        gives=("active_speaker",),
        modality="who of a picture speaks",
        form=Form.WEIGHTS,
        checkpoint="Light-ASD (finetuning_TalkSet.model and its like)",
        project="Junhua-Liao/Light-ASD",
        code_licence="MIT",
        weights_licence="MIT",
        checked="list of the public code; with seeded weights written and compared by hand",
        never="real weights; the public code's own answers",
    ),
    Card(
        name="talknet",
        module="speaking",
        gives=("active_speaker",),
        modality="who of a picture speaks",
        form=Form.WEIGHTS,
        checkpoint="TalkNet (pretrain_AVA.model and its like)",
        project="TaoRuijie/TalkNet-ASD",
        code_licence="MIT",
        weights_licence="MIT",
        checked="list of the public code; with seeded weights written and compared by hand",
        never="real weights; the public code's own answers",
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
        checked=(
            "list; features of kaldi-native-fbank 1.22 itself for the same sound; with seeded weights written "
            "and compared by hand"
        ),
        never="real weights; the public code's own answers; ECAPA and CAM++ of WeSpeaker, which are no part of it",
    ),
)
