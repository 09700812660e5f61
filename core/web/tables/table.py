"""The list itself: what is selected, how it is narrowed, ordered, paged, exported, and chosen from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column as SchemaColumn
from sqlalchemy import ClauseElement, Join, Row, Select, Subquery, func, select
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


class Table:
    """A list. See the package's docstring for how a view and a template use it."""

    def __init__(
        self,
        statement: Select[Any],
        *,
        key: str = "id",
        columns: Sequence[Column],
        filters: Sequence[Filter] = (),
        bulk: Sequence[Bulk] = (),
        default_sort: str = "",
        page_size: int = PAGE_SIZES[0],
        empty: str | None = None,
        name: str = "daftar",
        count_limit: int = 10_000,
    ) -> None:
        """Describe the list.

        ``statement`` is a select without order or limit whose columns have the names that ``key`` and the
        columns use; ``key`` is unique and never missing. ``default_sort`` is a column's name, with ``-`` in
        front for descending. Rows are counted up to ``count_limit``. ``name`` is the element's id and the
        name of an exported file.
        """
        self.statement = statement
        self.key = key
        self.columns = tuple(columns)
        self.filters = tuple(filters)
        self.bulk = tuple(bulk)
        self.default_sort = default_sort or key
        self.page_size = page_size
        self.empty = empty or _("Belum ada data.")
        self.name = name
        self.count_limit = count_limit

    def respond(self, request: Request, **variables: Any) -> dict[str, Any] | Response:
        """Answer a request: the variables for the template (``page`` and the given ones), or an export."""
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
        listed = self._filtered(params)
        sort, descending = self._sort(params)
        order = self._order(listed, sort, descending=descending)
        size = self._size(params)
        rows, has_previous, has_next = _read(session, listed, order, params, size)
        total = self._count(session, listed)
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
        """Return which rows a bulk action means; works for its question (GET) and its answer (POST).

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
        statement = self.statement
        for each in self.filters:
            statement = each.apply(statement, params)
        return statement.subquery()

    def _size(self, params: Mapping[str, str]) -> int:
        wanted = params.get("per", "")
        return int(wanted) if wanted in {str(size) for size in PAGE_SIZES} else self.page_size

    def _sort(self, params: Mapping[str, str]) -> tuple[str, bool]:
        """Name of the column (or of the key) that orders the list, and whether downwards."""
        sortable = {column.name for column in self.columns if column.sort_name}
        wanted = params.get("sort", "")
        if wanted.removeprefix("-") not in sortable:
            wanted = self.default_sort
        return wanted.removeprefix("-"), wanted.startswith("-")

    def _order(self, listed: Subquery, sort: str, *, descending: bool) -> Order:
        names = {column.name: column.sort_name or column.name for column in self.columns}
        column = listed.c[names.get(sort, sort)]
        key = listed.c[self.key]
        # Only a plain column says whether it can be missing; what is computed or outer-joined may be.
        plain = isinstance(column, SchemaColumn) and not column.nullable and not self._outer_joined
        return Order(column, key, descending, nullable=not plain)

    @cached_property
    def _outer_joined(self) -> bool:
        return _has_outer_join(self.statement)

    def _count(self, session: Session, listed: Subquery) -> int:
        limited = select(listed.c[self.key]).limit(self.count_limit + 1).subquery()
        return session.scalar(select(func.count()).select_from(limited)) or 0


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


def _read(
    session: Session, listed: Subquery, order: Order, params: Mapping[str, str], size: int
) -> tuple[Sequence[Row[Any]], bool, bool]:
    """Read a page and tell whether there are rows before and after it."""
    before = decode_position(params.get("before", ""), order)
    if before is not None:
        rows = _fetch(session, listed, order, before, size, backward=True)
        if len(rows) > size:
            return rows[:size][::-1], True, True
        # Fewer rows than a page are left before it: show the first page, full.
    after = decode_position(params.get("after", ""), order) if before is None else None
    rows = _fetch(session, listed, order, after, size)
    if after is not None and not rows:
        return _read(session, listed, order, {}, size)
    return rows[:size], after is not None, len(rows) > size


def _fetch(
    session: Session,
    listed: Subquery,
    order: Order,
    position: Position | None,
    size: int,
    *,
    backward: bool = False,
) -> Sequence[Row[Any]]:
    statement = _select(listed, order)
    if position is not None:
        statement = statement.where(order.beyond(position, backward=backward))
    statement = statement.order_by(*order.clauses(backward=backward)).limit(size + 1)
    return session.execute(statement).all()
