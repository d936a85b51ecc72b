"""Where webhooks may go, what signs them and what they may tell."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from common.settings import Settings
from common.webhooks import key_of, new_secret

SECRET, OTHER = new_secret(), new_secret()
URL = "https://example.com/hooks/a-secret-path"


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **{"webhook_urls": URL, "webhook_secrets": SECRET, **given})


def test_one_secret_signs_for_all_urls_or_each_url_has_its_own() -> None:
    urls = f"{URL}, https://example.org/"
    assert settings(webhook_urls=urls).webhook_keys == ((key_of(SECRET),),) * 2
    assert settings(webhook_urls=urls, webhook_secrets=f"{SECRET},{OTHER}").webhook_keys == (
        (key_of(SECRET),),
        (key_of(OTHER),),
    )


def test_both_secrets_sign_while_one_is_changed_for_another() -> None:
    assert settings(webhook_secrets=f"{OTHER} {SECRET}").webhook_keys == ((key_of(OTHER), key_of(SECRET)),)


def test_without_urls_nothing_is_asked_for() -> None:
    plain = Settings(_env_file=None)
    assert (plain.webhook_urls, plain.webhook_keys) == ((), ())


def test_the_rest_api_on_lambda_needs_no_secret_of_webhooks() -> None:
    """It notes what happens; the server sends."""
    assert settings(webhook_secrets="", admin_api_keys_secret="arn:aws:secretsmanager:…").webhook_urls == (URL,)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"webhook_secrets": ""}, "needs WEBHOOK_SECRETS"),
        ({"webhook_secrets": f"{SECRET},{OTHER}"}, "needs WEBHOOK_SECRETS"),
        ({"webhook_secrets": "whsec_hunter2"}, "24 to 64 bytes"),
        ({"webhook_urls": "http://example.com/"}, "must be https"),
        ({"webhook_urls": "http://example.com/", "webhook_private": True}, "must be https"),
        ({"webhook_urls": "https://10.0.0.7/"}, "private network"),
        ({"webhook_urls": "https://169.254.169.254/latest"}, "private network"),
        ({"webhook_urls": "https://[::1]/"}, "private network"),
        ({"webhook_urls": "https://[::ffff:10.0.0.7]/"}, "private network"),
        ({"webhook_urls": "https://localhost:9000/"}, "private network"),
        ({"webhook_urls": "ftp://example.com/"}, "URL 1 is not of the form"),
        ({"webhook_urls": "https://"}, "URL 1 is not of the form"),
        ({"webhook_urls": "https://["}, "URL 1 is no URL"),
        ({"webhook_urls": "https://example.com:x/"}, "URL 1 is no URL"),
        ({"webhook_urls": "https://me:hunter2@example.com/"}, "URL 1 holds a name or a password"),
        ({"webhook_urls": f"{URL},{URL}"}, "twice"),
        ({"webhook_urls": ",".join(f"{URL}{n}" for n in range(4))}, "more than 3"),
        ({"webhook_events": "call.began"}, "no event of Carlos"),
        ({"webhook_fields": "patientName,dni"}, "not one of"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_that_quotes_no_secret(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as told:
        settings(**given)
    for secret in ("a-secret-path", "hunter2", SECRET):
        assert secret not in str(told.value)


def test_loopback_and_private_addresses_are_allowed_on_demand() -> None:
    urls = ("http://localhost:9000/", "http://10.0.0.7/", "https://[::1]/")
    assert settings(webhook_urls=",".join(urls), webhook_private=True).webhook_urls == urls
