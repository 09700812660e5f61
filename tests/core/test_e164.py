"""Stored numbers as people read them."""

from __future__ import annotations

from core.e164 import format_number, mask_number, parse_stored


def test_a_stored_number_is_grouped_and_can_be_hidden() -> None:
    assert format_number("+628123090095") == "+62 812-3090-095"
    assert mask_number("+628123090095") == "+62*****0095"
    assert mask_number("+60123456789") == "+60*****6789"


def test_what_is_no_number_stays_as_it_is() -> None:
    for sender in ("DANA-INFO", "3636", "", "+", "+abc"):
        assert parse_stored(sender) is None
        assert format_number(sender) == sender
