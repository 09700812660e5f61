"""The list itself: selected, narrowed, ordered, paged, exported, and chosen from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ClauseElement, Join, Row, Select, Subquery, func, select
from sqlalchemy import Column as SchemaColumn
from sqlalchemy.sql import visitors

from core.i18n import _
from core.web.tables.export import EXPORTS, export_response
from core.web.tables.keyset import (
    KEY_NAME,
    SORT_NAME,
    Order,
    Position,
    decode_position,
    encode_position,
    position_of,
)
from core.web.tables.page import PAGE_SIZES, TablePage
from core.web.tables.selection import (
    MAX_CHOSEN,
    NothingChosenError,
    Selection,
    TooManyChosenError,
    convert_keys,
    is_local,
    list_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyramid.request import Request
    from pyramid.response import Response
    from sqlalchemy.orm import Session

    from core.web.tables.columns import Bulk, Column
    from core.web.tables.filters import Filter

__all__ = ["Table"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A list. See the package's docstring for how a view and a template use it."""

    statement: Select[Any] = field(kw_only=False)
    """Select without order or limit; the columns and ``key`` go by the names of its columns."""
    columns: Sequence[Column]
    key: str = "id"
    """Name of a value that is unique and never missing."""
    filters: Sequence[Filter] = ()
    bulk: Sequence[Bulk] = ()
    default_sort: str = ""
    """A column's name, with ``-`` in front for descending; empty for the key."""
    page_size: int = PAGE_SIZES[0]
    empty: str = _("Belum ada data.")
    """What to say, and to do next, where there is nothing."""
    name: str = "daftar"
    """Id of the list's element, and the name of an exported file."""
    count_limit: int = 10_000
    """Rows are counted up to here; a longer list says that it is longer."""
    kept: bool = False
    """Whether ``statement`` is one object that every request uses, so that what is put together
    from it is kept as well; never for one that was made for a person.
    """
    outer_joined: bool | None = None
    """Whether an outer join can leave values out; None looks for one, which costs a millisecond."""

    def respond(self, request: Request, **variables: Any) -> dict[str, Any] | Response:
        """Answer a request: variables for the template (``page`` and the given), or an export."""
        params = dict(request.GET)
        kind = params.get("format", "")
        if kind in EXPORTS:
            return export_response(request, self, kind, params)
        page = self.page(request.db, params, path=request.path, may=request.has_permission)
        return {"page": page, **variables}

    def page(
        self,
        session: Session,
        params: Mapping[str, str],
        *,
        path: str = "",
        may: Callable[[str], Any] | None = None,
    ) -> TablePage:
        """Read one page: the one behind ``after``, before ``before``, else the first."""
        sort, descending = self._sort(params)
        size = self._size(params)
        statements = self._prepared(params, sort, size, descending=descending)
        rows, has_previous, has_next = _Reader(session, statements).read(params)
        total = session.scalar(statements.count) or 0
        allowed = [
            each for each in self.bulk if not (each.permission and may and not may(each.permission))
        ]
        return TablePage(
            rows=rows,
            columns=self.columns,
            total=min(total, self.count_limit),
            more=total > self.count_limit,
            key=self.key,
            sort=sort,
            descending=descending,
            size=size,
            params=params,
            path=path,
            filters=self.filters,
            bulk=allowed,
            empty=self.empty,
            previous_position=encode_position(position_of(rows[0])) if has_previous else None,
            next_position=encode_position(position_of(rows[-1])) if has_next else None,
            id=self.name,
        )

    def selected(self, request: Request, *, limit: int = MAX_CHOSEN) -> Selection:
        """Return which rows a bulk action means, for its question (GET) and its answer (POST).

        :raises NothingChosenError: no row that this person may see was chosen.
        :raises TooManyChosenError: more than ``limit`` rows were.
        """
        posted = request.POST if request.method == "POST" else request.GET
        address = posted.get("daftar", "")
        back = address if is_local(address) else request.path
        everything = posted.get("semua") == "1"
        listed = self._filtered(list_state(address)) if everything else self.statement.subquery()
        column = listed.c[self.key]
        statement = select(column).order_by(column).limit(limit + 1)
        if not everything:
            wanted = convert_keys(posted.getall("pilih"), column.type.python_type)
            if len(wanted) > limit:
                raise TooManyChosenError
            statement = statement.where(column.in_(wanted))
        keys = list(request.db.scalars(statement))
        if not keys:
            raise NothingChosenError
        if len(keys) > limit:
            raise TooManyChosenError
        chosen = [("semua", "1")] if everything else [("pilih", str(key)) for key in keys]
        return Selection(keys, [*chosen, ("daftar", back)], back)

    def every_row(self, session: Session, params: Mapping[str, str]) -> Iterator[Row[Any]]:
        """Read the whole list as it is filtered and sorted, a thousand rows at a time."""
        listed = self._filtered(params)
        sort, descending = self._sort(params)
        order = self._order(listed, sort, descending=descending)
        statement = _select(listed, order).order_by(*order.clauses())
        yield from session.execute(statement.execution_options(yield_per=1000))

    def _filtered(self, params: Mapping[str, str]) -> Subquery:
        return self._narrowed(params).subquery()

    def _narrowed(self, params: Mapping[str, str]) -> Select[Any]:
        statement = self.statement
        for each in self.filters:
            statement = each.apply(statement, params)
        return statement

    def _prepared(
        self, params: Mapping[str, str], sort: str, size: int, *, descending: bool
    ) -> _Statements:
        """Give the statements of a page; those of a select that is kept are kept too."""
        statement = self._narrowed(params)
        if statement is not self.statement or not self.kept:
            return self._prepare(statement, sort, size, descending=descending)
        key = (statement, self.key, sort, size, descending, self.count_limit)
        if key not in _PREPARED:
            _PREPARED[key] = self._prepare(statement, sort, size, descending=descending)
        return _PREPARED[key]

    def _prepare(
        self, statement: Select[Any], sort: str, size: int, *, descending: bool
    ) -> _Statements:
        listed = statement.subquery()
        order = self._order(listed, sort, descending=descending)
        counted = select(listed.c[self.key]).limit(self.count_limit + 1).subquery()
        return _Statements(listed, order, size, select(func.count()).select_from(counted))

    def _size(self, params: Mapping[str, str]) -> int:
        wanted = params.get("per", "")
        return int(wanted) if wanted in {str(size) for size in PAGE_SIZES} else self.page_size

    def _sort(self, params: Mapping[str, str]) -> tuple[str, bool]:
        """Name of the column (or of the key) that orders the list, and whether downwards."""
        sortable = {column.name for column in self.columns if column.sort_name}
        wanted = params.get("sort", "")
        if wanted.removeprefix("-") not in sortable:
            wanted = self.default_sort or self.key
        return wanted.removeprefix("-"), wanted.startswith("-")

    def _order(self, listed: Subquery, sort: str, *, descending: bool) -> Order:
        names = {column.name: column.sort_name or column.name for column in self.columns}
        column = listed.c[names.get(sort, sort)]
        key = listed.c[self.key]
        # Only a plain column says whether it can be missing; what is computed or outer-joined may
        # be.
        plain = isinstance(column, SchemaColumn) and not column.nullable and not self._outer_joined
        return Order(column, key, descending, nullable=not plain)

    @cached_property
    def _outer_joined(self) -> bool:
        known = self.outer_joined
        return _has_outer_join(self.statement) if known is None else known


def _has_outer_join(root: ClauseElement) -> bool:
    """Tell whether a value can be missing although its column may not be."""
    for part in visitors.iterate(root):
        if isinstance(part, Join) and (part.isouter or part.full):
            return True
        # Joins made with the select's own methods are not among its parts yet.
        if isinstance(part, Select):
            froms = part.get_final_froms()
            if any(isinstance(each, Join) and _has_outer_join(each) for each in froms):
                return True
    return False


def _select(listed: Subquery, order: Order) -> Select[Any]:
    return select(listed, order.column.label(SORT_NAME), order.key.label(KEY_NAME))


@dataclass(frozen=True)
class _Statements:
    """What reads a list in one order, a page at a time."""

    listed: Subquery
    order: Order
    size: int
    count: Select[Any]

    @cached_property
    def first(self) -> Select[Any]:
        """Select the first page, and one row more: so one knows whether there are more."""
        ordered = _select(self.listed, self.order).order_by(*self.order.clauses())
        return ordered.limit(self.size + 1)

    def beyond(self, position: Position, *, backward: bool) -> Select[Any]:
        """Select the page behind a position (before it when ``backward``), and one row more."""
        statement = _select(self.listed, self.order)
        statement = statement.where(self.order.beyond(position, backward=backward))
        ordered = statement.order_by(*self.order.clauses(backward=backward))
        return ordered.limit(self.size + 1)


_PREPARED: Final[dict[tuple[Any, ...], _Statements]] = {}
"""By select, order and size: putting statements together takes longer than running them."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads pages of one list in one order."""

    session: Session
    statements: _Statements

    def read(self, params: Mapping[str, str]) -> tuple[Sequence[Row[Any]], bool, bool]:
        """Read a page and tell whether there are rows before and after it."""
        order, size = self.statements.order, self.statements.size
        before = decode_position(params.get("before", ""), order)
        if before is not None:
            rows = self._fetch(before, backward=True)
            if len(rows) > size:
                return rows[:size][::-1], True, True
            # Fewer rows than a page are left before it: show the first page, full.
            return self.read({})
        after = decode_position(params.get("after", ""), order)
        rows = self._fetch(after)
        if after is not None and not rows:
            return self.read({})
        return rows[:size], after is not None, len(rows) > size

    def _fetch(self, position: Position | None, *, backward: bool = False) -> Sequence[Row[Any]]:
        statements = self.statements
        if position is None:
            return self.session.execute(statements.first).all()
        return self.session.execute(statements.beyond(position, backward=backward)).all()
