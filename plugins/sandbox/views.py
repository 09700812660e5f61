"""The page of the telephone: pick a number, see what arrived, answer, and play the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPForbidden, HTTPNoContent, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from core.api.errors import InvalidInputError
from core.api.forms import (
    ChoiceField,
    Form,
    IntegerField,
    MaxLength,
    RadioField,
    Required,
    TextField,
)
from core.api.text import _
from core.api.web import WIB
from plugins.sandbox.behaviours import BEHAVIOURS, Behaviour
from plugins.sandbox.services import handset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyramid.config import Configurator
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["hint_of_demo", "includeme", "link_of_demo", "may_use"]

USE: Final = "sandbox.use"
ADDRESS: Final = "address"
HERE: Final = "here"
ANY: Final = "any"


class PickForm(Form):
    """Which handset to look at."""

    address = TextField(_("Nomor telepon atau alamat email"), [Required(), MaxLength(254)])


class ReplyForm(Form):
    """What is written on the handset."""

    body = TextField(_("Balasan"), [Required(), MaxLength(handset.LONGEST_REPLY)])


class RuleForm(Form):
    """What the network shall do."""

    behaviour = ChoiceField(
        _("Yang terjadi pada pesan"),
        [Required()],
        choices=[(str(key), each.label) for key, each in BEHAVIOURS.items()],
    )
    seconds = IntegerField(_("Detik (n)"), description=_("Kosong: nilai yang wajar."))
    scope = RadioField(
        _("Berlaku untuk"),
        [Required()],
        choices=[(HERE, _("nomor ini")), (ANY, _("nomor mana pun"))],
        default=HERE,
    )
    count = IntegerField(
        _("Banyaknya pesan berikutnya"), description=_("Kosong: sampai aturan ini dihapus.")
    )


def includeme(config: Configurator) -> None:
    """Add routes and views."""
    config.add_route("sandbox.phone.show", "/")
    config.add_route("sandbox.phone.live", "/live")
    config.add_route("sandbox.reply.create", "/reply")
    config.add_route("sandbox.rule.create", "/rules")
    config.add_route("sandbox.rule.delete", "/rules/{id:\\d{1,18}}/delete")
    config.add_route("sandbox.phone.clear", "/clear")
    config.scan(__name__)


def may_use(request: Request) -> bool:
    """Tell whether somebody may look into the telephone: by permission, and everybody in a demo.

    Codes and links that let people in are readable there. Only a deployment that says ``abah.demo``
    and holds nobody's data shows them to people who are not signed in.
    """
    return request.has_permission(USE) or is_demo(request)


def is_demo(request: Request) -> bool:
    """Tell whether this deployment only shows how abah works."""
    settings = request.runtime.settings
    return settings.flag("abah.demo") and not settings.flag("abah.production")


def link_of_demo(request: Request, _variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Offer the entry of the menu to those who have no permission for it but may use it."""
    return {} if may_use(request) and not request.has_permission(USE) else None


def hint_of_demo(request: Request, _variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Tell where to read a code or a link, while no real message can be sent."""
    return {} if is_demo(request) else None


@view_config(
    route_name="sandbox.phone.show",
    request_method="GET",
    renderer="sandbox/phone.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def show_phone(request: Request) -> dict[str, Any]:
    """Show the handset of the number in the address, or the list of numbers."""
    _check(request)
    typed = request.GET.get(ADDRESS, "").strip()
    pick = PickForm(request, address=typed)
    address = ""
    if typed:
        with pick.refusals():
            address = handset.read_address(typed)
    return _page(request, address, pick=pick)


@view_config(
    route_name="sandbox.phone.live",
    request_method="GET",
    renderer="sandbox/live.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def show_changes(request: Request) -> dict[str, Any] | Response:
    """Answer the page's question for news: nothing (204), or the parts that look different now."""
    _check(request)
    address = request.GET.get(ADDRESS, "")
    if handset.version(request.db, address) == request.GET.get("v"):
        return HTTPNoContent()
    return _parts(request, address)


@view_config(
    route_name="sandbox.reply.create", request_method="POST", permission=NO_PERMISSION_REQUIRED
)
def create_reply(request: Request) -> Response:
    """Write a reply on the handset."""
    _check(request)
    address = _address(request)
    form = ReplyForm(request)
    if form.validate():
        with form.refusals():
            handset.reply(request.db, address, form.body.data or "")
    return _back(request, address, write=True) if form.accepted else _again(request, reply=form)


@view_config(
    route_name="sandbox.rule.create", request_method="POST", permission=NO_PERMISSION_REQUIRED
)
def create_rule(request: Request) -> Response:
    """Tell the network what to do next."""
    _check(request)
    address = _address(request)
    form = RuleForm(request)
    if form.validate():
        behaviour = Behaviour(form.behaviour.data)
        seconds = form.seconds.data
        with form.refusals():
            handset.add_rule(
                request.db,
                address=address if form.scope.data == HERE else "",
                behaviour=behaviour,
                seconds=BEHAVIOURS[behaviour].seconds if seconds is None else seconds,
                remaining=form.count.data,
            )
    return _back(request, address) if form.accepted else _again(request, rule=form)


@view_config(
    route_name="sandbox.rule.delete", request_method="POST", permission=NO_PERMISSION_REQUIRED
)
def delete_rule(request: Request) -> Response:
    """Take a rule away."""
    _check(request)
    handset.remove_rule(request.db, int(request.matchdict["id"]))
    return _back(request, _address(request))


@view_config(
    route_name="sandbox.phone.clear", request_method="POST", permission=NO_PERMISSION_REQUIRED
)
def clear_phone(request: Request) -> Response:
    """Empty the handset of a number."""
    _check(request)
    address = _address(request)
    if address:
        handset.clear(request.db, address)
    return _back(request, address)


def _check(request: Request) -> None:
    if not may_use(request):
        raise HTTPForbidden


def _address(request: Request) -> str:
    """Return the number that a form carries along; what is none counts as no number."""
    try:
        return handset.read_address(request.POST.get(ADDRESS, ""))
    except InvalidInputError:
        return ""


def _back(request: Request, address: str, *, write: bool = False) -> Response:
    query = {ADDRESS: address} if address else {}
    if write:
        # The hand is still on the keys: the page opens with the cursor in the reply box.
        query["write"] = "1"
    return HTTPSeeOther(request.route_path("sandbox.phone.show", _query=query))


def _again(request: Request, **forms: Form) -> Response:
    """Show the page again with the form that was refused."""
    return render_to_response(
        "sandbox/phone.jinja2",
        _page(request, _address(request), **forms),
        request=request,
        response=request.response,
    )


def _page(request: Request, address: str, **forms: Form) -> dict[str, Any]:
    return {
        **_parts(request, address),
        "pick": forms.get("pick") or _fresh(PickForm(request), address=address),
        "reply": forms.get("reply") or _fresh(ReplyForm(request)),
        "rule": forms.get("rule") or _fresh(RuleForm(request)),
        "write": bool(request.GET.get("write")),
    }


def _parts(request: Request, address: str) -> dict[str, Any]:
    """Read what the page shows. The version comes first: what happens meanwhile is asked again."""
    session = request.db
    return {
        "address": address,
        "version": handset.version(session, address),
        "bubbles": handset.bubbles(session, address) if address else [],
        "numbers": handset.numbers(session),
        "rules": handset.rules(session),
        "log": handset.log_rows(session),
        "labels": BEHAVIOURS,
        "clock": _clock,
    }


def _clock(at: datetime) -> str:
    """Write the time to the second, in WIB: what crossed is told apart by seconds."""
    return f"{at.astimezone(WIB):%H:%M:%S}"


def _fresh(form: Form, **values: Any) -> Form:
    """Empty a form again: what was posted belongs to another one on the page."""
    form.process(**values)
    return form
