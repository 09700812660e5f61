from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.api.hooks import Evidence, ReportState, TransportContext
from plugins.sms_http.channel import HttpTransport
from tests.plugins.sms_http.gateway_server import webhook


def transport(**settings: Any) -> HttpTransport:
    values = {"url": "https://gw.example.com/", "token": "rahasia", **settings}
    return HttpTransport(TransportContext(1, "Uji", values, "https://x/hook/1/t", lambda _i: None))


def test_a_report_in_the_address_is_read() -> None:
    query = {"ref": "r1", "status": "DELIVRD", "to": "6281230900950", "time": "1543553599"}
    (report,) = transport().webhook(webhook("report", query, method="GET")).reports
    assert (report.ref, report.state) == ("r1", ReportState.DELIVERED)
    assert report.address == "+6281230900950"
    assert report.evidence is Evidence.HANDSET
    assert report.at == datetime(2018, 11, 30, 4, 53, 19, tzinfo=UTC)
    assert report.raw.startswith("GET report?ref=r1")


def test_reports_in_json_are_read_by_path() -> None:
    document = [{"message": {"id": f"m{i}"}, "state": {"name": "undeliverable"}} for i in range(3)]
    answer = transport(
        report_reference="$.message.id",
        report_status="state.name",
        report_statuses="UNDELIVERABLE = undelivered",
    ).webhook(
        webhook("report", body=json.dumps(document).encode(), content_type="application/json")
    )
    assert [report.reference for report in answer.reports] == ["m0", "m1", "m2"]
    assert {report.state for report in answer.reports} == {ReportState.UNDELIVERED}
    assert answer.status == 200


def test_our_reference_in_the_address_joins_a_status_in_the_body() -> None:
    form = {"MessageStatus": "delivered"}
    (report,) = (
        transport(report_status="MessageStatus")
        .webhook(webhook("report", {"ref": "r1"}, form=form, body=b"MessageStatus=delivered"))
        .reports
    )
    assert (report.ref, report.state) == ("r1", ReportState.DELIVERED)


def test_a_word_that_nobody_explained_proves_only_that_the_gateway_has_it() -> None:
    (report,) = (
        transport().webhook(webhook("report", {"ref": "r1", "status": "HLR_LOOKUP"})).reports
    )
    assert report.state is ReportState.ACCEPTED
    assert report.evidence is Evidence.GATEWAY
    assert "HLR_LOOKUP" in report.raw


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [
        ("report", {}, b""),
        ("report", {"ref": "r1"}, b""),
        ("report", {"status": "DELIVRD"}, b""),
        ("report", {}, b"{"),
        ("report", {}, b"[]"),
        ("report", {}, b"[1, 2]"),
        ("report", {}, b"[" * 50_000),
        ("report", {}, b"\xff\xfe"),
        ("inbound", {"text": "HADIR"}, b""),
        ("inbound", {}, b"null"),
    ],
)
def test_a_malformed_call_is_answered_with_400(
    path: str, query: dict[str, str], body: bytes
) -> None:
    answer = transport().webhook(
        webhook(path, query, body=body, content_type="application/json" if body else "")
    )
    assert answer.status == 400
    assert answer.body
    assert not answer.reports
    assert not answer.inbound


def test_other_paths_and_methods_are_refused() -> None:
    assert transport().webhook(webhook("admin")).status == 404
    assert transport().webhook(webhook("report", {"ref": "r"}, method="DELETE")).status == 405


def test_a_text_comes_in_with_its_sender_as_e164() -> None:
    query = {"from": "081230900959", "text": "HADIR \x00", "id": "in-1", "to": "BIRO"}
    (text,) = transport().webhook(webhook("inbound", query)).inbound
    assert text.sender == "+6281230900959"
    assert text.body == "HADIR \ufffd"
    assert text.recipient == "BIRO"
    assert text.external_id == "in-1"


@pytest.mark.parametrize(
    ("written", "read"),
    [("+6281230900959", "+6281230900959"), (" 6281230900959", "+6281230900959"), ("BANK", "BANK")],
)
def test_senders_are_e164_where_they_are_numbers(written: str, read: str) -> None:
    (text,) = transport().webhook(webhook("inbound", {"from": written, "text": "x"})).inbound
    assert text.sender == read


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2018-11-30T12:53:19+07:00", 5),
        ("2018-11-30 05:53:19", 5),
        ("1543557199000", 5),
        ("kemarin", None),
        ("9" * 40, None),
    ],
)
def test_times_are_aware_or_left_out(written: str, hour: int | None) -> None:
    query = {"ref": "r", "status": "SENT", "time": written}
    (report,) = transport().webhook(webhook("report", query)).reports
    assert (report.at and report.at.astimezone(UTC).hour) == hour


def test_what_is_kept_has_no_secret_and_an_end() -> None:
    query = {"ref": "r", "status": "SENT", "key": "rahasia", "junk": "x" * 10_000}
    (report,) = transport().webhook(webhook("report", query)).reports
    assert "rahasia" not in report.raw
    assert len(report.raw) <= 4_000
