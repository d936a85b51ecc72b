"""Names, doctors, e-mails and products."""

from __future__ import annotations

import pytest

from sandbox.dialogue.emails import read_email
from sandbox.dialogue.items import Change, Item, read_changes, read_items
from sandbox.dialogue.names import read_doctor, read_name
from sandbox.dialogue.words import distance, read_words, snap


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Soy María González, quiero saber de mi pedido", "María González"),
        ("Mi nombre es Luis Fernández.", "Luis Fernández"),
        ("a nombre de juan pérez", "Juan Pérez"),
        ("me chamo Ana Rodríguez", "Ana Rodríguez"),
        ("el paciente es Roberto Vargas y el turno es el seis", "Roberto Vargas"),
        ("mi nombre es María de los Ángeles Pérez y mi DNI es", "María de los Ángeles Pérez"),
        ("soy el titular", None),
        ("Hola, llamo por el pedido 3", None),
    ],
)
def test_a_name_is_found_after_its_marker(said: str, name: str | None) -> None:
    found = read_name(read_words(said))
    assert (found and found.text) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("María González", "María González"),
        ("La siguiente es Juan Pérez.", "Juan Pérez"),
        ("eh, juan perez", "Juan Perez"),
        ("Bueno, Luis. Fernández.", "Luis Fernández"),
        ("Roberto Vargas, DNI 35012678", "Roberto Vargas"),
        ("Ana Ruiz del pedido", "Ana Ruiz"),
        ("Mostrame los datos del titular", None),
        ("Carlos Mendoza y quiero cancelar", "Carlos Mendoza"),
        ("no me acuerdo", None),
        ("para qué lo necesitás", None),
    ],
)
def test_a_bare_answer_is_a_name(said: str, name: str | None) -> None:
    found = read_name(read_words(said), asked=True)
    assert (found and found.text) == name


@pytest.mark.parametrize(
    ("said", "doctor"),
    [
        ("con la doctora Lopes", "Dra. Ana López"),
        ("el Dr. Rodríguez", "Dr. Carlos Rodríguez"),
        ("con el doctor Carlos Rodriguez mañana a las diez", "Dr. Carlos Rodríguez"),
        ("la Dra. Ruis", "Dra. Carmen Ruiz"),
        ("el doctor Mendosa", "Dr. Roberto Mendoza"),
        ("el doctor House", "Dr. House"),
        ("quiero un turno", None),
    ],
)
def test_a_doctor_is_completed_from_the_known_ones(said: str, doctor: str | None) -> None:
    found = read_doctor(read_words(said))
    assert (found and found.text) == doctor


@pytest.mark.parametrize(("said", "doctor"), [("López", "Dra. Ana López"), ("con Carmen", "Dra. Carmen Ruiz")])
def test_the_answer_to_which_doctor_needs_no_title(said: str, doctor: str) -> None:
    found = read_doctor(read_words(said), asked=True)
    assert found is not None
    assert found.text == doctor


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("juan punto perez arroba email punto com", "juan.perez@email.com"),
        ("mi correo es juan punto pérez arroba gmail punto com punto ar", "juan.perez@gmail.com.ar"),
        ("juan.perez@email.com.", "juan.perez@email.com"),
        ("juan punto pérez arroba email.com", "juan.perez@email.com"),
        ("juan punto perez@email.com", "juan.perez@email.com"),
        ("juan.perez @ email.com", "juan.perez@email.com"),
        ("Juan, punto, Pérez, arroba, email, punto, com.", "juan.perez@email.com"),
        ("es juan perez arroba hot mail punto com, gracias", "juanperez@hotmail.com"),
        ("juan guion bajo perez arroba gmail", "juan_perez@gmail.com"),
        ("maria veintitrés arroba yahoo punto com", "maria23@yahoo.com"),
        ("juan punto perez arroba", None),
    ],
)
def test_an_email_is_put_together(said: str, address: str | None) -> None:
    found = read_email(read_words(said))
    assert found is not None
    assert found.address == address


def test_a_sentence_without_arroba_has_no_email() -> None:
    assert read_email(read_words("no tengo correo")) is None


@pytest.mark.parametrize(
    ("said", "items"),
    [
        ("quiero pedir dos teclados y un mouse", (Item("teclados", 2), Item("mouse"))),
        ("hacer un pedido de un monitor a 50 pesos", (Item("monitor", 1, 50.0),)),
        ("tres cables USB-C, una funda y cuatro pilas", (Item("cables USB-C", 3), Item("funda"), Item("pilas", 4))),
        ("un teclado por cien pesos cada uno", (Item("teclado", 1, 100.0),)),
        ("un monitor a nombre de Juan Pérez", (Item("monitor"),)),
        ("quiero hacer un pedido", ()),
    ],
)
def test_products_are_found_by_their_quantities(said: str, items: tuple[Item, ...]) -> None:
    assert read_items(read_words(said)) == items


def test_the_answer_to_which_products_needs_no_quantity() -> None:
    assert read_items(read_words("Teclado y mouse"), asked=True) == (Item("teclado"), Item("mouse"))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("agregale una funda", (Item("teclados", 2), Item("mouse"), Item("funda"))),
        ("y también otro mouse", (Item("teclados", 2), Item("mouse", 2))),
        ("sacale el mouse", (Item("teclados", 2),)),
        ("sin los teclados", (Item("mouse"),)),
        ("en vez de un mouse, una tablet", (Item("teclados", 2), Item("tablet"))),
        ("cambiame el mouse por dos fundas", (Item("teclados", 2), Item("fundas", 2))),
        ("que sean tres teclados", (Item("teclados", 3), Item("mouse"))),
    ],
)
def test_an_order_is_added_to_and_taken_from(said: str, left: tuple[Item, ...]) -> None:
    (change,) = read_changes(read_words(said))
    assert change.of((Item("teclados", 2), Item("mouse"))) == left


def test_how_many_is_changed_of_the_one_product() -> None:
    assert Change(quantity=3).of((Item("mouse"),)) == (Item("mouse", 3),)


def test_a_word_is_snapped_to_a_near_one_only() -> None:
    assert distance("mircoles", "miercoles") == 1
    assert snap("mircoles", ("miercoles", "viernes")) == "miercoles"
    assert snap("cosas", ("lunes", "martes")) is None
    assert snap("dos", ("dia",)) is None
