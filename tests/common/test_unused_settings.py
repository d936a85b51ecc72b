"""Names of tables and keys of AWS that lead nowhere are told of when the server starts."""

from __future__ import annotations

import pytest

from common.settings import Settings
from common.settings.unused import unused

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def settings(**given: str) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]


def test_tables_and_keys_alone_are_of_no_effect_and_one_sentence_says_so() -> None:
    said = unused(settings(), ["orders_table", *KEYS, "PATH"])
    assert said == (
        "ORDERS_TABLE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set, and of no effect; the records are in a file until"
        " STORE=dynamodb is set, and the stand-in answers until SONIC=bedrock is set"
    )


def test_only_what_is_of_no_effect_is_named() -> None:
    said = unused(settings(sonic="bedrock"), ["ORDERS_TABLE", *KEYS])
    assert said == "ORDERS_TABLE: set, and of no effect; the records are in a file until STORE=dynamodb is set"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ("PATH", "AWS_DEFAULT_REGION")),
        ({"store": "dynamodb"}, ("ORDERS_TABLE", *KEYS)),
        ({"sonic": "bedrock"}, KEYS),
        ({"call_log_group": "calls"}, KEYS),
    ],
)
def test_what_has_an_effect_is_not_spoken_of(given: dict[str, str], names: tuple[str, ...]) -> None:
    assert unused(settings(**given), names) is None
