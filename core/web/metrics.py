"""Figures for Prometheus about requests; other rooms add theirs to the same registry."""

from __future__ import annotations

import hmac
import ipaddress
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.tweens import INGRESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyramid.config import Configurator
    from pyramid.registry import Registry
    from pyramid.request import Request

__all__ = ["REQUESTS", "REQUEST_SECONDS"]

REQUESTS: Final = Counter("abah_http_requests", "Answered requests", ("route", "method", "status"))
REQUEST_SECONDS: Final = Histogram(
    "abah_http_request_seconds",
    "Seconds until the answer was ready",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def metrics_tween(
    handler: Callable[[Request], Response], _registry: Registry
) -> Callable[[Request], Response]:
    """Count and time every request under the name of its route."""

    def tween(request: Request) -> Response:
        begun = time.perf_counter()
        status = 500
        try:
            response = handler(request)
            status = response.status_int
            return response
        finally:
            matched = getattr(request, "matched_route", None)
            route = matched.name if matched is not None else "none"
            method = request.method if request.method in _METHODS else "other"
            REQUESTS.labels(route, method, status).inc()
            REQUEST_SECONDS.labels(route).observe(time.perf_counter() - begun)

    return tween


def metrics(request: Request) -> Response:
    """Give the figures to this machine or to the holder of ``abah.metrics_token``, else 404."""
    if not _may_read(request):
        raise HTTPNotFound
    return Response(generate_latest(REGISTRY), headerlist=[("Content-Type", CONTENT_TYPE_LATEST)])


def _may_read(request: Request) -> bool:
    token = str(request.registry.settings.get("abah.metrics_token") or "").strip()
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    # Behind a proxy everybody comes from this machine.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def includeme(config: Configurator) -> None:
    """Count requests and serve the figures at ``/metrics``."""
    config.add_tween("core.web.metrics.metrics_tween", under=INGRESS)
    config.add_route("web.metrics", "/metrics")
    config.add_view(metrics, route_name="web.metrics", permission=NO_PERMISSION_REQUIRED)
