"""Every view of the whole application says who may use it, and nothing is open by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.security import NO_PERMISSION_REQUIRED

from core.accounts.permissions import CORE_PERMISSIONS
from core.app import build_wsgi

if TYPE_CHECKING:
    from webtest import TestApp

    from core.framework.runtime import Runtime

SANDBOX = {
    "sandbox.phone.clear",
    "sandbox.phone.live",
    "sandbox.phone.show",
    "sandbox.reply.create",
    "sandbox.rule.create",
    "sandbox.rule.delete",
}
"""The training telephone decides itself: by its permission, and everybody in a demo."""

PUBLIC = {
    "accounts.session.create",
    "accounts.session.delete",
    "help",
    "help.chapter",
    "help.print",
    "messaging.webhook",
    "messaging.webhook.bare",
    "verification.registration.confirm",
    "verification.registration.create",
    "verification.registration.done",
    "verification.registration.sent",
    "verification.reset.finish",
    "verification.reset.request",
    "verification.reset.sent",
    "web.health",
    "web.locale.set",
    "web.metrics",
    "web.theme.set",
    *SANDBOX,
}
"""Routes for people without an account; `web.metrics` and webhooks check callers themselves."""


def views_of(runtime: Runtime) -> list[Any]:
    category = build_wsgi(runtime).registry.introspector.get_category("views")
    return [item["introspectable"] | {"related": item["related"]} for item in category or []]


def permissions_of(view: Any) -> set[str]:
    return {item["value"] for item in view["related"] if item.category_name == "permissions"}


def test_every_view_has_a_permission_that_somebody_declares(runtime: Runtime) -> None:
    known = {permission.name for permission in CORE_PERMISSIONS}
    known |= {
        permission.name for manifest in runtime.plugins for permission in manifest.permissions
    }
    used = {permission for view in views_of(runtime) for permission in permissions_of(view)}
    assert used - known - {NO_PERMISSION_REQUIRED} == set()


def test_only_these_routes_are_open_to_everybody(runtime: Runtime) -> None:
    open_routes = set()
    for view in views_of(runtime):
        if view["route_name"] is None or view["context"] is not None:
            continue
        if permissions_of(view) in (set(), {NO_PERMISSION_REQUIRED}):
            open_routes.add(view["route_name"])
    files = {name for name in open_routes if name.startswith("__")}
    assert open_routes - files == PUBLIC
    assert all("static" in name for name in files)


def test_the_training_telephone_is_closed_to_strangers_where_it_is_no_demo(app: TestApp) -> None:
    for path, post in (("", False), ("live", False), ("reply", True), ("rules", True)):
        call = app.post if post else app.get
        assert call(f"/p/sandbox/{path}", status="*").status_int >= 300


def test_every_route_has_a_view(runtime: Runtime) -> None:
    registry = build_wsgi(runtime).registry
    routes = {
        item["introspectable"]["name"]
        for item in registry.introspector.get_category("routes") or []
        if not item["introspectable"]["static"]
    }
    viewed = {view["route_name"] for view in views_of(runtime)}
    assert {name for name in routes - viewed if not name.startswith("__")} == set()
