"""Who speaks over a whole film, when all that counts is given as numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.film_speakers import choose_over_film
from services.ingest.pipeline.settings import SpeakerSettings
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech

PLAIN = SpeakerSettings(weights=(0.0, 0.0, 3.0, 0.0), off_screen=0.5)
CALIBRATION = {modality: Calibration(slope=12.0, intercept=-6.0) for modality in Modality}
ANN, BOB, CAT, DAN = range(4)
UNSEEN = (1.0, 0.0, 0.0, 0.0)


def seen(jaw: float) -> tuple[float, ...]:
    return 0.0, 1.0, jaw, 0.0


def unit(number: int) -> np.ndarray:
    return np.eye(8, dtype=np.float32)[number]


class Film:
    """Shots of two seconds, a piece each: who is there, whose voice it is, and what each mouth says of it."""

    def __init__(self) -> None:
        self.shots: list[ShotSpeech] = []

    def shot(self, voice: int, *people: tuple[int, tuple[float, ...]], length_s: float = 1.0) -> Film:
        start_s = 2.0 * len(self.shots)
        players = tuple(Player(start_s, start_s + 2.0, {Modality.FACE: unit(who)}) for who, _ in people)
        evidence = np.array([[mouth for _, mouth in people]]).reshape(1, len(people), 4)
        piece = Piece(start_s + 0.2, start_s + 0.2 + length_s, 3.0 * unit(voice))
        self.shots.append(ShotSpeech(50 * len(self.shots), (piece,), players, evidence, np.ones((1, len(people)))))
        return self

    def chosen(self, settings: SpeakerSettings = PLAIN) -> list[int]:
        """Who says each piece, by place; the number of people for nobody."""
        return [int(one.belief[0].argmax()) for one in choose_over_film(self.shots, CALIBRATION, settings)]

    def beliefs(self, settings: SpeakerSettings = PLAIN) -> list[np.ndarray]:
        return [one.belief[0] for one in choose_over_film(self.shots, CALIBRATION, settings)]


def test_beliefs_have_a_column_for_each_person_and_one_for_nobody():
    (choices,) = choose_over_film(Film().shot(ANN, (ANN, seen(0.8)), (BOB, seen(0.1))).shots, CALIBRATION, PLAIN)
    assert choices.belief.shape == (1, 3)
    assert choices.belief.sum() == pytest.approx(1.0)
    assert choices.belief[0].argmax() == 0
    assert choices.goes_on.tolist() == [0.0]


def test_when_no_mouth_follows_it_is_nobody_who_can_be_seen():
    assert Film().shot(ANN, (ANN, seen(-0.2)), (BOB, seen(0.0))).chosen() == [2]


def test_a_film_without_speech_and_a_shot_without_people():
    assert choose_over_film([], CALIBRATION, PLAIN) == []
    assert Film().shot(ANN).beliefs()[0].tolist() == [1.0]


def test_who_is_away_is_not_chosen():
    film = Film().shot(ANN, (ANN, seen(0.9)), (BOB, seen(0.3)))
    film.shots[0] = replace(film.shots[0], present=np.array([[0.0, 1.0]]))
    assert film.beliefs()[0][0] == 0.0


def test_a_voice_that_is_known_from_other_shots_tells_who_speaks_with_the_mouth_turned_away():
    film = Film().shot(ANN, (ANN, seen(0.9)), (BOB, seen(0.0))).shot(ANN, (ANN, seen(0.9)), (CAT, seen(0.0)))
    hidden = film.shot(ANN, (BOB, UNSEEN), (ANN, UNSEEN), (CAT, UNSEEN)).beliefs()[2]
    assert hidden.argmax() == 1
    assert hidden[1] > 0.8


def test_who_is_there_whenever_a_voice_is_heard_speaks_though_no_mouth_was_ever_seen():
    film = Film().shot(ANN, (ANN, UNSEEN), (BOB, UNSEEN)).shot(ANN, (ANN, UNSEEN), (CAT, UNSEEN))
    assert film.shot(ANN, (DAN, UNSEEN), (ANN, UNSEEN)).chosen(replace(PLAIN, off_screen=-0.5)) == [0, 0, 1]


def test_a_voice_whose_owner_is_not_in_the_picture_is_off_screen_whatever_a_mouth_does():
    film = Film().shot(ANN, (ANN, seen(0.9)), (BOB, seen(0.0))).shot(ANN, (ANN, seen(0.9)), (CAT, seen(0.0)))
    dubbed = film.shot(BOB, (BOB, seen(0.9)), (CAT, seen(0.0))).shot(ANN, (BOB, seen(0.9)), (CAT, seen(0.0)))
    assert dubbed.chosen() == [0, 0, 0, 2]


def test_two_people_in_one_picture_are_two_however_alike_they_look():
    film = Film().shot(ANN, (ANN, seen(0.9))).shot(ANN, (ANN, seen(0.6)), (ANN, UNSEEN))
    both = film.shots[1].players
    later = replace(both[1], start_s=both[0].end_s, end_s=both[0].end_s + 1.0)
    together, apart = film.beliefs()[1], None
    film.shots[1] = replace(film.shots[1], players=(both[0], later))
    apart = film.beliefs()[1]
    assert together[0] > 0.7
    assert abs(together[0] - apart[0]) < 0.2


def test_a_short_piece_says_little_of_its_voice():
    long, short = (
        Film().shot(ANN, (ANN, seen(0.9))).shot(ANN, (ANN, UNSEEN), (BOB, UNSEEN), length_s=length_s).beliefs()[1][0]
        for length_s in (1.5, 0.2)
    )
    assert long > short + 0.1


def test_only_the_nearest_voices_are_asked_when_there_are_many_and_the_choice_stays():
    film = Film()
    for _ in range(12):
        film.shot(ANN, (ANN, seen(0.8)), (BOB, seen(0.1))).shot(BOB, (ANN, seen(0.1)), (BOB, seen(0.8)))
    film.shot(BOB, (ANN, UNSEEN), (BOB, UNSEEN))
    few, all_of_them = (film.chosen(replace(PLAIN, most_partners=most)) for most in (6, 100))
    assert few == all_of_them == [0, 1] * 12 + [1]


def test_many_witnesses_of_one_voice_do_not_outweigh_a_mouth_without_end():
    film = Film()
    for _ in range(30):
        film.shot(ANN, (ANN, seen(0.5)))
    film.shot(ANN, (BOB, seen(0.9)))
    most = [film.beliefs(replace(PLAIN, most_kin=kin))[-1][0] for kin in (1.0, 30.0)]
    assert most[0] > most[1]


def test_pieces_that_follow_at_once_choose_together_and_say_whether_they_have_one_voice():
    film = Film().shot(ANN, (ANN, seen(0.9)), (BOB, seen(0.0)))
    first = film.shots[0].pieces[0]
    second = Piece(first.end_s + 0.05, first.end_s + 0.3, unit(ANN))
    third = Piece(second.end_s + 0.05, second.end_s + 1.0, unit(BOB))
    evidence = np.concatenate([film.shots[0].evidence, np.array([[UNSEEN, UNSEEN], [UNSEEN, UNSEEN]])])
    film.shots[0] = replace(film.shots[0], pieces=(first, second, third), evidence=evidence, present=np.ones((3, 2)))
    (choices,) = choose_over_film(film.shots, CALIBRATION, PLAIN)
    assert choices.belief[1].argmax() == 0
    assert choices.goes_on[1] > 0.0 > choices.goes_on[2]


def test_a_pack_without_calibrated_voices_leaves_each_piece_to_its_mouths():
    film = Film().shot(ANN, (ANN, seen(0.9))).shot(ANN, (BOB, seen(0.9)), (CAT, seen(0.1)))
    alone = [choose_over_film([shot], CALIBRATION, PLAIN)[0].belief for shot in film.shots]
    together = choose_over_film(film.shots, {}, PLAIN)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other.belief, atol=1e-4)
