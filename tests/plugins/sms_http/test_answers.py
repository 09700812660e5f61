from __future__ import annotations

import json
from typing import Any

import pytest

from core.api.hooks import Outcome, SendResult
from plugins.sms_http.answers import Answer, judge
from plugins.sms_http.gateway import read_gateway

TWILIO = {
    "reference_path": "sid",
    "code_path": "$.code",
    "codes": "21211 = permanent\n20429=temporary\n30001 = temporary\nhttp:404 = temporary",
}
INSIDE = {
    "success_path": "$.messages[*].status",
    "success_pattern": "0",
    "reference_path": "$.messages[*].message-id",
    "code_path": "$.messages[0].status",
    "codes": "1 = temporary\n5 = uncertain",
}
LINES = {
    "success_pattern": r"^OK\b",
    "reference_pattern": r"ID: (\w+)",
    "code_pattern": r"ERR (\d+)",
    "codes": "114 = temporary",
}


def verdict(settings: dict[str, Any], status: int, body: Any) -> SendResult:
    text = body if isinstance(body, str) else json.dumps(body)
    gateway = read_gateway({"url": "https://gw.example.com/", **settings})
    return judge(gateway, "r1", Answer(status, text))


@pytest.mark.parametrize(
    ("settings", "status", "body", "outcome"),
    [
        ({}, 200, "", Outcome.ACCEPTED),
        ({}, 202, "queued", Outcome.ACCEPTED),
        ({}, 302, "", Outcome.PERMANENT),
        ({}, 400, "bad number", Outcome.PERMANENT),
        ({}, 401, "", Outcome.TEMPORARY),
        ({}, 402, "no credit", Outcome.TEMPORARY),
        ({}, 404, "", Outcome.PERMANENT),
        ({}, 429, "", Outcome.TEMPORARY),
        ({}, 500, "", Outcome.UNCERTAIN),
        ({}, 502, "<html>Bad Gateway</html>", Outcome.UNCERTAIN),
        ({}, 503, "", Outcome.TEMPORARY),
        ({"server_errors": "temporary"}, 500, "", Outcome.TEMPORARY),
        ({"server_errors": "temporary"}, 504, "", Outcome.TEMPORARY),
        ({"codes": "http:401 = permanent"}, 401, "", Outcome.PERMANENT),
        (TWILIO, 201, {"sid": "SM1"}, Outcome.ACCEPTED),
        (TWILIO, 400, {"code": 21211}, Outcome.PERMANENT),
        (TWILIO, 400, {"code": 20429}, Outcome.TEMPORARY),
        (TWILIO, 500, {"code": 30001}, Outcome.TEMPORARY),
        (TWILIO, 404, "nothing here", Outcome.TEMPORARY),
        (INSIDE, 200, {"messages": [{"status": "0", "message-id": "a"}]}, Outcome.ACCEPTED),
        (INSIDE, 200, {"messages": [{"status": 0, "message-id": "a"}]}, Outcome.ACCEPTED),
        (INSIDE, 200, {"messages": [{"status": "1"}]}, Outcome.TEMPORARY),
        (INSIDE, 200, {"messages": [{"status": "5"}]}, Outcome.UNCERTAIN),
        (INSIDE, 200, {"messages": [{"status": "9"}]}, Outcome.PERMANENT),
        (INSIDE, 200, {"messages": []}, Outcome.UNCERTAIN),
        (INSIDE, 200, "<html><h1>Masuk</h1></html>", Outcome.UNCERTAIN),
        (INSIDE, 200, '{"messages": [{"sta', Outcome.UNCERTAIN),
        (INSIDE, 200, "[" * 100_000, Outcome.UNCERTAIN),
        ({**INSIDE, "other_answers": "temporary"}, 200, "<html>", Outcome.TEMPORARY),
        (LINES, 200, "OK ID: a1b2", Outcome.ACCEPTED),
        (LINES, 200, "ERR 114 try later", Outcome.TEMPORARY),
        (LINES, 200, "ERR 105 bad number", Outcome.PERMANENT),
        (LINES, 200, "sibuk", Outcome.UNCERTAIN),
        ({"success_path": "success"}, 200, {"success": True}, Outcome.ACCEPTED),
        ({"success_path": "success"}, 200, {"success": False}, Outcome.UNCERTAIN),
        ({"success_path": "success"}, 200, {"success": None}, Outcome.UNCERTAIN),
    ],
)
def test_an_answer_has_one_meaning(
    settings: dict[str, Any], status: int, body: Any, outcome: Outcome
) -> None:
    assert verdict(settings, status, body).outcome is outcome


def test_every_part_has_its_reference() -> None:
    body = {"messages": [{"status": 0, "message-id": f"m{i}"} for i in range(3)]}
    assert verdict(INSIDE, 200, body).references == ("m0", "m1", "m2")


def test_a_reference_in_plain_text_is_found() -> None:
    assert verdict(LINES, 200, "OK ID: a1b2").references == ("a1b2",)


def test_the_reason_shows_the_words_of_the_gateway_without_markup_and_secrets() -> None:
    page = "<html><style>b{}</style><h1>Salah\n sandi</h1> rahasia <script>x()</script></html>"
    reason = verdict({"token": "rahasia"}, 400, page).reason
    assert "Salah sandi •••" in reason.interpolate()  # type: ignore[union-attr]
    assert "x()" not in reason.interpolate()  # type: ignore[union-attr]


def test_the_code_is_kept_for_the_log() -> None:
    assert verdict(TWILIO, 400, {"code": 21211}).code == "21211"
    assert verdict({}, 500, "").code == "http:500"
