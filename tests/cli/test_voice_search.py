"""`personsearch search --voice`: what is sent, and how speech is shown."""

import json
from pathlib import Path

import pytest

from personsearch.cli.words import speech_in_words
from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2, modality_pb2, query_pb2


def spoken(start_s: float, end_s: float) -> appearance_pb2.SpeechSpan:
    return appearance_pb2.SpeechSpan(span=geometry_pb2.Span(start_s=start_s, end_s=end_s), confidence=0.9)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"sound")
    return path


@pytest.fixture
def off_screen() -> hit_pb2.Hit:
    return hit_pb2.Hit(
        appearance=appearance_pb2.Appearance(
            appearance_id="a" * 32,
            video_id="c" * 32,
            kind=appearance_pb2.APPEARANCE_KIND_SPEECH,
            span=geometry_pb2.Span(start_s=62.5, end_s=64.0),
            speech=[spoken(62.5, 64.0)],
        ),
        score=0.9,
        shares=[hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_VOICE, share=1.0)],
        evidence=[
            hit_pb2.EvidenceStep(
                part_index=0, target_appearance_id="a" * 32, modality=modality_pb2.MODALITY_VOICE, probability=0.95
            )
        ],
    )


def test_voices_are_sent_and_the_task_is_left_to_the_service(run, stack: FakeStack, clip: Path) -> None:
    result = run("search", "--voice", clip, "--voice-span", "0:01-0:02.5", "--not-voice", clip)
    assert result.exit_code == 0
    sent = stack.requests[0].query
    assert sent.task == query_pb2.TASK_UNSPECIFIED
    wanted, rejected = sent.parts
    assert (wanted.voice.sound, wanted.voice.span.start_s, wanted.voice.span.end_s) == (b"sound", 1.0, 2.5)
    assert (rejected.weight, rejected.voice.HasField("span")) == (-1.0, False)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("seen", query_pb2.TASK_SEEN),
        ("heard", query_pb2.TASK_HEARD),
        ("seen-and-heard", query_pb2.TASK_SEEN_AND_HEARD),
    ],
)
def test_a_task_is_sent(run, stack: FakeStack, clip: Path, name: str, task: int) -> None:
    assert run("search", "--voice", clip, "--portrait", clip, "--task", name).exit_code == 0
    sent = stack.requests[0].query
    assert sent.task == task
    assert [part.WhichOneof("content") for part in sent.parts] == ["portrait", "voice"]


def test_a_hit_off_screen_is_told_as_speech(run, stack: FakeStack, clip: Path, off_screen: hit_pb2.Hit) -> None:
    stack.answer_with(off_screen)
    shown = run("search", "--voice", clip).stdout
    assert "Answered: where the person is heard, on screen or not; speech in the clips: 1.5 s." in shown
    assert "speech, nobody on screen" in shown
    assert "voice 100 %: part 1 -voice 95 %-> here" in shown
    told = json.loads(run("search", "--voice", clip, "--json").stdout)
    assert (told["task"], told["voice_speech_s"]) == ("heard", [1.5])
    assert told["hits"][0]["kind"] == "speech"
    assert told["hits"][0]["speech"] == [{"start_s": 62.5, "end_s": 64.0, "confidence": 0.9}]
    assert told["hits"][0]["modalities"] == {"voice": 1.0}
    assert told["hits"][0]["media"]["key_frame_uri"] is None


def test_the_usual_question_needs_no_words(run, stack: FakeStack, clip: Path) -> None:
    assert "Answered" not in run("search", "--portrait", clip).stdout


def test_a_tracklet_says_when_it_speaks() -> None:
    appearance = appearance_pb2.Appearance(kind=appearance_pb2.APPEARANCE_KIND_TRACKLET)
    assert speech_in_words(appearance) == ""
    appearance.speech.extend([spoken(4.2, 5.14), spoken(59.98, 61.0)])
    assert speech_in_words(appearance) == "speaks 0:04.2-0:05.1, 1:00.0-1:01.0"
    appearance.speech.extend([spoken(70.0 + number, 70.5 + number) for number in range(4)])
    assert speech_in_words(appearance).endswith("1:10.0-1:10.5 and 3 more times")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--voice FILE"),
        (["--voice", "CLIP", "--voice-span", "3"], "START-END"),
        (["--voice", "CLIP", "--voice-span", "0:05-0:03"], "is not before"),
        (["--voice", "CLIP", "--voice-span", "x-y"], "m:ss"),
        (["--voice", "CLIP", "--voice", "CLIP", "--voice-span", "0-1"], "belongs to one --voice"),
        (["--not-voice", "CLIP"], "say who"),
        (["--voice", "CLIP", "--task", "smelt"], "seen-and-heard"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    run, stack: FakeStack, clip: Path, arguments: list[str], said: str
) -> None:
    result = run("search", *(str(clip) if word == "CLIP" else word for word in arguments))
    assert result.exit_code == 2
    assert said in result.output
    assert stack.requests == []
