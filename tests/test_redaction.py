"""Secrets: which names tell them, and how they are taken out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.redaction import (
    Redactor,
    is_secret_name,
    password_in,
    secrets_in,
    without_user,
)

KEY = "sk-0123456789/abc+def"


@pytest.mark.parametrize(
    "name",
    ["Authorization", "proxy-authorization", "x-api-key", "API-KEY", "apikey", "x-goog-api-key",
     "accessToken", "x-auth-token", "x-team-token", "client_secret", "Cookie", "set-cookie2",
     "password", "DB_PASSWD", "aws_credentials", "sig", "X-Amz-Signature", "MCP-HEADERS", "jwt"],
)  # fmt: skip
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["x-ratelimit-remaining-tokens", "x-ratelimit-limit-tokens", "max_tokens", "budget_tokens",
     "anthropic-ratelimit-tokens-reset", "tokenizer", "author", "authors", "author_name",
     "keyword", "prompt_cache_key", "Idempotency-Key", "design", "content-type", "HTTP-Referer"],
)  # fmt: skip
def test_names_of_what_is_no_secret(name):
    assert not is_secret_name(name)


def test_secrets_are_gathered_at_any_depth():
    value = {
        "Authorization": "Token abcd",
        "extra": [{"api_key": "one"}, {"deep": {"secret": ["two", {"inner": "three"}]}}],
        "max_tokens": "no",
        "key": 5,
    }
    assert set(secrets_in(value)) == {"Token abcd", "abcd", "one", "two", "three"}


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("http://u:pass%2Fword@h/", "pass/word"),
        ("u:word@proxy:3128", "word"),
        ("http://u@h", ""),
        ("proxy:3128", ""),
        ("http://[", ""),
        (None, ""),
    ],
)
def test_the_password_in_an_address(address, password):
    assert password_in(address) == password


def test_a_secret_is_found_in_every_spelling():
    redact = Redactor([KEY])
    for spelling in (KEY, "sk-0123456789%2Fabc%2Bdef", "sk-0123456789/abc%2Bdef", KEY.upper()):
        found = f"<{spelling}>"
        assert redact(found) == (found if spelling.isupper() else "<[redacted]>")
    assert redact("sk-0123456789\\/abc+def") == "[redacted]"
    assert Redactor(['pass"wörd'])(json.dumps('pass"wörd')) == '"[redacted]"'


def test_words_given_to_local_servers_for_a_key_garble_nothing():
    redact = Redactor(["ollama", "None", "null", "abc", ""])
    assert redact("ollama: None, null, abc") == "ollama: None, null, abc"
    assert not redact.finds("ollama: None, null, abc")


def test_a_text_that_was_cut_off_shows_no_beginning_of_a_secret():
    redact = Redactor([KEY])
    for size in range(6, len(KEY)):
        assert redact.partial(f"the key {KEY[:size]}") == "the key [redacted]"
    assert redact.partial("the key sk-") == "the key sk-"
    assert redact.partial(f"{KEY}, sk-") == "[redacted], sk-"


def test_json_is_redacted_names_included():
    assert Redactor([KEY]).value({KEY: [KEY, 1, None, {"a": f"<{KEY}>"}]}) == {
        "[redacted]": ["[redacted]", 1, None, {"a": "<[redacted]>"}]
    }


def test_headers_are_redacted_by_name_and_by_value():
    headers = {"X-Api-Key": "a", "X-A": KEY, "X-Ratelimit-Remaining-Tokens": "7"}
    assert Redactor([KEY]).headers(headers) == {
        "X-Api-Key": "[redacted]",
        "X-A": "[redacted]",
        "X-Ratelimit-Remaining-Tokens": "7",
    }


def test_users_in_addresses():
    text = "by http://ada:word@proxy:3128/x@y and mail@example"
    assert without_user(text) == "by http://[redacted]@proxy:3128/x@y and mail@example"


@given(st.text(max_size=30), st.text(max_size=30), st.text(min_size=4, max_size=12))
def test_nothing_of_a_secret_is_left(before, after, secret):
    redact = Redactor([f"§{secret}§"])
    assert f"§{secret}§" not in redact(f"{before}§{secret}§{after}")
    data = f"§{secret}§".encode("utf-8", "surrogatepass")
    assert set(redact.masked(data)) == {ord("*")}
    assert len(redact.masked(data)) == len(data)
