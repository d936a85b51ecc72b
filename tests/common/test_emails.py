"""E-mail addresses as they are dictated, what is doubtful in them, and how they are read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.spanish.emails import LONGEST, email_of, spelled

DICTATED = [
    ("ana punto pérez arroba gmail punto com", "ana.perez@gmail.com"),
    ("ana guion bajo perez arroba hotmail punto com punto ar", "ana_perez@hotmail.com.ar"),
    ("ana guión medio perez arroba yahoo punto com", "ana-perez@yahoo.com"),
    ("ana guión perez arroba yahoo punto com", "ana-perez@yahoo.com"),
    ("ana barra baja perez arroba gmail punto com", "ana_perez@gmail.com"),
    ("ana underscore perez arroba gmail.com", "ana_perez@gmail.com"),
    ("ana más compras arroba gmail punto com", "ana+compras@gmail.com"),
    ("ana at gmail dot com", "ana@gmail.com"),
    ("ana veintitrés arroba gmail punto com", "ana23@gmail.com"),
    ("ana dos tres arroba gmail punto com", "ana23@gmail.com"),
    ("ana treinta y cinco arroba gmail punto com", "ana35@gmail.com"),
    ("juan mil novecientos ochenta y cinco arroba gmail punto com", "juan1985@gmail.com"),
    ("ana doble cuatro arroba gmail punto com", "ana44@gmail.com"),
    ("a n a 23 arroba gmail punto com", "ana23@gmail.com"),
    ("a de árbol, ene de naranja, a de avión, arroba gmail punto com", "ana@gmail.com"),
    ("ve corta, a, ele, e, arroba gmail punto com", "vale@gmail.com"),
    ("be larga, doble ve, i griega, arroba gmail punto com", "bwy@gmail.com"),
    ("jota punto pérez arroba hotmail punto com", "j.perez@hotmail.com"),
    ("te erre punto lópez arroba gmail punto com", "tr.lopez@gmail.com"),
    ("pe doble ele a arroba gmail punto com", "plla@gmail.com"),
    ("juana de arco arroba gmail punto com", "juanadearco@gmail.com"),
    ("ana peña arroba gmail punto com", "anapena@gmail.com"),
    ("bueno punto juan arroba gmail punto com", "bueno.juan@gmail.com"),
    ("mi mail es ana@gmail.com", "ana@gmail.com"),
    ("e-mail: ana@gmail.com", "ana@gmail.com"),
    ("sí, anotá: ana punto pérez arroba gmail punto com", "ana.perez@gmail.com"),
    ("me llamo Ana Pérez y mi correo electrónico es ana arroba gmail punto com", "ana@gmail.com"),
    ("ana@mail.com por favor", "ana@mail.com"),
    ("ana arroba gmail punto com punto ar, por favor, gracias", "ana@gmail.com.ar"),
    ("juan pérez, todo junto, arroba gmail punto com, todo en minúscula", "juanperez@gmail.com"),
    ("en minúscula ana arroba gmail puntocom", "ana@gmail.com"),
    ("ana@gmail.com.", "ana@gmail.com"),
    ("anaperez@gmail,com", "anaperez@gmail.com"),
    ("ANA.PEREZ@GMAIL.COM", "ana.perez@gmail.com"),
    ("juan punto perez@gmail.com", "juan.perez@gmail.com"),
    ("juan arroba hot mail punto con", "juan@hotmail.com"),
    ("juan arroba yimeil punto com", "juan@gmail.com"),
]


@pytest.mark.parametrize(("said", "address"), DICTATED)
def test_a_dictated_address_is_understood(said: str, address: str) -> None:
    assert email_of(said) == address


@pytest.mark.parametrize(
    "said",
    [
        "", "@", "arroba", "ana", "ana@gmail", "ana.perez arroba gmail", "ana perez arroba", "ana..perez@gmail.com",
        "ana@gmail..com", "ana@gmail.com che", "ana arroba gmail punto com es mío", "Ana Pérez, ana@gmail.com",
        "ana@gmail.com o ana@hotmail.com", "ana arroba, no, anita arroba gmail punto com",
        "ana o anita arroba gmail punto com", "vargas con ve corta arroba gmail punto com",
        "quiero que lo mandes a ana arroba gmail punto com", "bueno juan arroba gmail punto com",
        "el perro de san roque no tiene rabo arroba gmail punto com", "a" * 65 + "@gmail.com", "a@b.com" * 100,
    ],
)  # fmt: skip
def test_what_is_doubtful_is_asked_for_again(said: str) -> None:
    assert email_of(said) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ana.perez23@gmail.com", "ana punto pérez veintitrés arroba gmail punto com"),
        ("jlp@hotmail.com.ar", "jota ele pe arroba hotmail punto com punto ar"),
        ("vk_1985@empresa.com", "ve corta ka guion bajo mil novecientos ochenta y cinco arroba empresa punto com"),
        ("rodriguez-07@gmail.com", "rodríguez guion medio cero siete arroba gmail punto com"),
        ("uno+12345@x.io", "u ene o más uno dos tres cuatro cinco arroba equis punto io"),
    ],
)
def test_an_address_is_read_back_for_the_ear(address: str, told: str) -> None:
    assert spelled(address) == told


LOCAL = st.from_regex(r"[a-z0-9_]{1,12}([.+_-][a-z0-9]{1,8}){0,2}", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z0-9]{1,10}(-[a-z0-9]{1,6})?(\.[a-z]{2,6}){1,2}", fullmatch=True)
NAMES = st.sampled_from(
    ("ana", "perez", "jose", "gonzalez", "mas", "punto", "de", "con", "sin", "uno", "mil", "arroba")
)


@given(st.builds("{}@{}".format, LOCAL, DOMAIN) | st.builds("{}{}.{}@gmail.com".format, NAMES, NAMES, NAMES))
def test_what_is_read_back_is_understood_as_what_it_was(address: str) -> None:
    assert email_of(address) == address
    if len(spelled(address)) <= LONGEST:
        assert email_of(spelled(address)) == address


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([word for said, _ in DICTATED for word in said.split()])).map(" ".join)
)
def test_anything_else_is_an_address_or_asked_for_again(said: str) -> None:
    address = email_of(said)
    assert address is None or email_of(address) == address
