"""Nothing that is logged shows a number, an address or a secret in full."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.errors import ConfigurationError
from core.framework.logging import configure_logging, mask_text


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    text = io.StringIO()
    root.handlers[:] = [logging.StreamHandler(text)]
    yield text
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ke +6281230900950", "ke +62*****0950"),
        ("ke +62 812-3090-0950.", "ke +62*****0950."),
        ("ke 081230900950", "ke 08*****0950"),
        ("ke 0812 3090 0950", "ke 08*****0950"),
        ("ke 6281230900950", "ke 62*****0950"),
        ("ke +1 (202) 555-0143", "ke +12*****0143"),
        ("surat ke nur.hidayat@example.org", "surat ke n***@example.org"),
        ("postgresql://abah:geheim@db/abah", "postgresql://abah:***@db/abah"),
        ("GET /dlr?token=abc123&id=4", "GET /dlr?token=***&id=4"),
        ("password: hunter2, x", "password: ***, x"),
    ],
)
def test_personal_data_and_secrets_are_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2018-11-30 12:53:19",
        "Rp9.000.000.000,00",
        "2018-HK-00005",
        "message 71760000012345",
        "0.812",
    ],
)
def test_what_is_no_number_stays_readable(text: str) -> None:
    assert mask_text(text) == text


def test_production_logs_json_with_everything_masked(stream: io.StringIO) -> None:
    configure_logging({"abah.production": "true"}, level=logging.INFO)
    structlog.get_logger("uji").info(
        "dikirim",
        number="+6281230900950",
        password="x",
        details={"code": "1234", "to": ["081230900950"]},
    )
    event = json.loads(stream.getvalue())
    assert event["number"] == "+62*****0950"
    assert event["password"] == "***"
    assert event["details"] == {"code": "***", "to": ["08*****0950"]}
    assert event["level"] == "info"


def fail(message: str) -> None:
    raise ValueError(message)


def test_the_text_of_an_exception_and_a_librarys_own_log_are_masked_too(
    stream: io.StringIO,
) -> None:
    configure_logging({"abah.log_format": "console"}, level=logging.INFO)
    message = "[SQL: INSERT]\n[parameters: ('NUR SASMITA', '081230900950')]\nuntuk 081230900950"
    try:
        fail(message)
    except ValueError:
        structlog.get_logger("uji").exception("gagal")
    logging.getLogger("pustaka").warning("menelepon %s", "+6281230900950")
    text = stream.getvalue()
    assert "NUR SASMITA" not in text
    assert "81230900950" not in text
    assert "menelepon +62*****0950" in text


def test_an_unknown_format_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="log_format"):
        configure_logging({"abah.log_format": "xml"})
