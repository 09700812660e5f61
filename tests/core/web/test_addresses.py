"""Which routes can match the same address."""

from __future__ import annotations

from core.web.addresses import overlap


def test_routes_overlap_where_one_address_can_match_both() -> None:
    pairs = [
        ("/a/{x}", "/a/b"),
        (r"/a/{x:\d{1,3}}", "/a/12"),
        ("/a/{x}/c", "/a/b/{y}"),
        ("/a/*rest", "/a/b/c"),
        ("/a/*rest", "/a"),
        ("a/b", "/a/b"),
        ("/a/{x}.csv", "/a/b.csv"),
    ]
    assert [pair for pair in pairs if not overlap(*pair) or not overlap(*pair[::-1])] == []


def test_routes_do_not_overlap_where_a_word_or_the_length_differs() -> None:
    pairs = [
        ("/a/{x}", "/b/{x}"),
        (r"/a/{x:\d+}", "/a/b"),
        ("/a/{x}", "/a"),
        ("/a/{x}", "/a/b/c"),
        ("/a/*rest", "/b"),
        ("/a/{x}.csv", "/a/b"),
    ]
    assert [pair for pair in pairs if overlap(*pair) or overlap(*pair[::-1])] == []
