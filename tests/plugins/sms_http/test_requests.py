from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api.hooks import OutgoingMessage
from plugins.sms_http.gateway import SettingsError, read_gateway
from plugins.sms_http.requests import Request, RequestBuilder, TextError, formatted

HOOK = "https://sms.example.go.id/hook/1/token"


def build(text: str = "Halo", **settings: Any) -> Request:
    values = {"url": "https://gw.example.com/send", **settings}
    message = OutgoingMessage("ref1", "+6281230900950", text, title="Perihal", parts=3)
    return RequestBuilder(read_gateway(values), HOOK).build(message)


@given(st.text())
def test_a_text_cannot_leave_its_form_field(text: str) -> None:
    request = build(text, fields="a={{ text }}\nto={{ to }}")
    assert request.data is not None
    pairs = parse_qsl(request.data.decode(), keep_blank_values=True, max_num_fields=2)
    assert pairs == [("a", text), ("to", "+6281230900950")]


@given(st.text())
def test_a_text_cannot_leave_its_json_string(text: str) -> None:
    request = build(text, body="json", fields='{"m": [{"text": "{{ text }}", "to": "{{ to }}"}]}')
    assert request.data is not None
    assert json.loads(request.data) == {"m": [{"text": text, "to": "+6281230900950"}]}


def test_a_text_cannot_leave_its_place_in_the_address() -> None:
    request = build("a/b?c=d&e#f", url="https://gw.example.com/u/{{ text }}/send", fields="a=1")
    assert request.url.raw_path == "/u/a%2Fb%3Fc%3Dd%26e%23f/send"
    assert request.url.host == "gw.example.com"


def test_a_text_cannot_add_a_header() -> None:
    request = build("a\r\nX-Evil: 1", headers="X-Text: {{ text }}")
    assert request.headers["X-Text"] == "a X-Evil: 1"
    assert "X-Evil" not in request.headers


def test_json_values_keep_their_type() -> None:
    fields = '{"to": "{{ to }}", "parts": "{{ parts }}", "flag": true, "n": "{{ parts + 1 }} x"}'
    request = build(body="json", fields=fields)
    assert request.data is not None
    assert json.loads(request.data) == {
        "to": "+6281230900950",
        "parts": 3,
        "flag": True,
        "n": "4 x",
    }


def test_a_query_goes_behind_what_the_address_already_has() -> None:
    request = build(
        method="GET", body="query", url="https://gw.example.com/?v=1", fields="to={{ to }}"
    )
    assert str(request.url) == "https://gw.example.com/?v=1&to=%2B6281230900950"
    assert request.data is None


def test_the_report_address_carries_our_reference() -> None:
    request = build(fields="dlr={{ report_url }}&status=%d\nin={{ inbound_url }}")
    assert request.data is not None
    assert parse_qsl(request.data.decode()) == [
        ("dlr", f"{HOOK}/report?ref=ref1&status=%d"),
        ("in", f"{HOOK}/inbound"),
    ]


@pytest.mark.parametrize(
    ("style", "number", "written"),
    [
        ("e164", "+6281230900950", "+6281230900950"),
        ("plain", "+6281230900950", "6281230900950"),
        ("national", "+6281230900950", "081230900950"),
        ("national", "+6591234567", "91234567"),
        ("plain", "1717", "1717"),
    ],
)
def test_numbers_are_written_as_the_gateway_wants_them(
    style: str, number: str, written: str
) -> None:
    assert formatted(number, style) == written


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://gw.example.com"}, "url"),
        ({"url": "https://{{ to }}.example.com/"}, "url"),
        ({"url": "https://user:pass@gw.example.com/"}, "url"),
        ({"url": "https://gw.example.com:99999/"}, "url"),
        ({"url": "https://gw.example.com/kirim pesan"}, "url"),
        ({"url": "https://gw.example.com/{{ umur }}"}, "url"),
        ({"fields": ""}, "fields"),
        ({"fields": "to"}, "fields"),
        ({"fields": "to={{ nomor }}"}, "fields"),
        ({"fields": "to={{ to"}, "fields"),
        ({"fields": "to={{ 1/0 }}"}, "fields"),
        ({"fields": "{to}", "body": "json"}, "fields"),
        ({"method": "GET"}, "body"),
        ({"method": "DELETE"}, "method"),
        ({"headers": "Authorization"}, "headers"),
        ({"success_path": "a[["}, "success_path"),
        ({"success_pattern": "("}, "success_pattern"),
        ({"codes": "8 = nanti"}, "codes"),
        ({"connections": "banyak"}, "connections"),
        ({"connections": 0}, "connections"),
        ({"report_statuses": "DELIVRD"}, "report_statuses"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as problem:
        RequestBuilder(read_gateway({"url": "https://gw.example.com/", **settings}), HOOK)
    assert problem.value.key == key
    assert problem.value.explanation


@pytest.mark.parametrize(
    "template",
    [
        "{{ text.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ text.format.__globals__ }}",
        "{{ ref / 2 }}",
    ],
)
def test_a_template_cannot_reach_python(template: str) -> None:
    with pytest.raises((TextError, SettingsError)):
        build(fields=f"a=x{template}")


def test_the_example_of_the_manual_fills_in_kannels_request() -> None:
    fields = "to={{ to }}\ntext={{ text }}\ncoding={{ 0 if encoding == 'gsm7' else 2 }}\n"
    fields += "dlr-url={{ report_url }}&status=%d&id=%F&to=%p"
    request = build(method="GET", body="query", fields=fields)
    assert dict(request.url.query) == {
        "to": "+6281230900950",
        "text": "Halo",
        "coding": "0",
        "dlr-url": f"{HOOK}/report?ref=ref1&status=%d&id=%F&to=%p",
    }


def test_neither_gateway_nor_request_shows_a_secret() -> None:
    settings = {"url": "https://gw.example.com/{{ token }}", "token": "rahasia"}
    gateway = read_gateway(settings)
    message = OutgoingMessage("r", "+6281230900950", "x")
    assert "rahasia" not in repr(gateway)
    assert "rahasia" not in repr(RequestBuilder(gateway, HOOK).build(message))
