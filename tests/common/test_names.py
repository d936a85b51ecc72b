"""Names of people: by their sound, with what may be left out, and how many sound alike."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.names import Likeness, distance, likeness, name_sounds, plain, sound
from tests.common.argentine_names import GIVEN, SURNAMES


@pytest.mark.parametrize(
    ("heard", "stored"),
    [
        ("María Gonzales", "María González"),
        ("Juan Bargas", "Juan Vargas"),
        ("Luis Rodrigues", "Luis Rodríguez"),
        ("Ana Peres", "Ana Pérez"),
        ("Helena Ruiz", "Elena Ruiz"),
        ("María Yanos", "María Llanos"),
        ("Sofía Jiménez", "Sophia Giménez"),
        ("Ximena Savala", "Jimena Zabala"),
        ("Brian Irigoyen", "Bryan Yrigoyen"),
        ("Cristian Pena", "Christian Peña"),
        ("Jorge Aguero", "Jorge Agüero"),
        ("Guillermo Cuevas", "Guiyermo Kuebas"),
        ("Matías Rossi", "Mathías Rosi"),
        ("Luca Dangelo", "Luca D'Angelo"),
        ("Luca D´Angelo", "Luca D’Angelo"),
        ("Luca Angelo", "Luca D'Angelo"),
        ("Ian Mc Donald", "Ian McDonald"),
        ("Ian Macdonald", "Ian McDonald"),
        ("Sean Obrien", "Sean O'Brien"),
        ("Ana Deluca", "Ana De Luca"),
        ("María Carmen Ruiz", "María del Carmen Ruiz"),
        ("Pedro Santos", "Pedro dos Santos"),
        ("Rosa Pérez Díaz", "Rosa Pérez-Díaz"),
        ("Pérez, José", "José Pérez"),
        ("José Pérez", "José Luis Pérez"),
        ("Pérez José", "José Luis Pérez"),
        ("José Pérez", "Pérez, José Luis"),
        ("José L. Pérez", "José Luis Pérez"),
        ("José Luis Pérez", "José Pérez"),
        ("Domingo Bueno", "Domingo Bueno"),
        ("Juan Domingo Claro", "Juan Domingo Claro"),
        ("Segundo Funes", "Segundo Funes"),
    ],
)
def test_a_name_is_the_same_however_it_was_heard(heard: str, stored: str) -> None:
    assert likeness(heard, stored) is Likeness.SAME
    assert likeness(stored, stored) is Likeness.SAME


@pytest.mark.parametrize(
    ("heard", "stored"),
    [
        ("María Gonzálvez", "María González"),
        ("Mario González", "María González"),
        ("Juana Peralta", "Juan Peralta"),
        ("Ana Peraltas", "Ana Peralta"),
        ("Nahuel Vagner", "Nahuel Wagner"),
        ("Peralta Jun", "Juan Peralta"),
    ],
)
def test_a_letter_or_two_misheard_is_near(heard: str, stored: str) -> None:
    assert likeness(heard, stored) is Likeness.NEAR


@pytest.mark.parametrize(
    ("heard", "stored"),
    [
        ("Pérez", "Pérez"),
        ("José", "José Luis Pérez"),
        ("José Luis", "José Luis Pérez"),
        ("Luis Pérez", "José Luis Pérez"),
        ("José Gómez", "José Luis Pérez"),
        ("José María Pérez", "José Luis Pérez"),
        ("José Luis María Pérez", "José Pérez"),
        ("Juan Pérez Gómez", "Juan Pérez"),
        ("De Luca", "Ana De Luca"),
        ("J. Pérez", "Juan Pérez"),
        ("Ana Ruiz", "Eva Ruiz"),
        ("Ana Paz", "Ana Díaz"),
        ("Juan Pérez", "Juan Gómez"),
        ("", "Juan Pérez"),
        ("Juan Pérez", ""),
        ("señor don", "señor don"),
        ("De La", "De La"),
    ],
)
def test_half_a_name_or_another_is_neither(heard: str, stored: str) -> None:
    assert likeness(heard, stored) is Likeness.OTHER


PEOPLE = st.tuples(st.sampled_from(GIVEN), st.sampled_from(GIVEN), st.sampled_from(SURNAMES))


@given(PEOPLE)
def test_every_name_is_itself_in_any_order_and_without_its_second(names: tuple[str, str, str]) -> None:
    first, second, last = names
    stored = " ".join(names)
    for heard in (stored, stored.upper(), plain(stored), f"{last}, {first} {second}", f"{last} {first} {second}"):
        assert likeness(heard, stored) is Likeness.SAME, heard
    assert likeness(f"{first} {last}", stored) is Likeness.SAME


@given(PEOPLE, PEOPLE)
def test_people_of_other_names_are_not_the_same(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    sounds = [(sound(first), sound(last)) for first, _, last in (one, other)]
    same = likeness(f"{one[0]} {one[2]}", f"{other[0]} {other[2]}") is Likeness.SAME
    assert same == (sorted(sounds[0]) == sorted(sounds[1]))


def test_few_common_names_sound_alike() -> None:
    """What tools/identity.py counts on: names, sounds, pairs that sound alike, spellings that a guess stands for."""

    def counted(names: tuple[str, ...]) -> tuple[int, int, int, float]:
        spellings = {plain(name) for name in names}
        by_sound = Counter(map(sound, spellings)).values()
        alike = sum(count * (count - 1) // 2 for count in by_sound)
        return len(spellings), len(by_sound), alike, round(sum(count**2 for count in by_sound) / len(spellings), 2)

    assert counted(GIVEN) == (438, 403, 38, 1.17)
    assert counted(SURNAMES) == (535, 488, 48, 1.18)


@given(st.text(max_size=12), st.text(max_size=12), st.integers(0, 3))
def test_a_distance_is_counted_up_to_its_limit(left: str, right: str, most: int) -> None:
    assert distance(left, right, most) == min(_distance(left, right), most + 1)


def _distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        row, above = [at], row
        for column, other in enumerate(right, 1):
            row.append(min(above[column - 1] + (letter != other), above[column] + 1, row[-1] + 1))
    return row[-1]


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_are_compared(left: str, right: str) -> None:
    assert likeness(left, right) is likeness(left, right)
    assert name_sounds(left) == tuple(sorted(name_sounds(left)))
