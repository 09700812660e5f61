"""Templates: where they are found, and what every one of them can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, pass_context
from markupsafe import Markup
from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.interfaces import IRoutesMapper
from pyramid.settings import asbool
from pyramid.threadlocal import get_current_request

from core.i18n import TranslationString
from core.web import formats
from core.web.assets import SCRIPTS, STYLES, asset_url, icon
from core.web.compiled import COMPILED
from core.web.dialog import is_dialog
from core.web.layers import (
    CORE,
    CORE_TEMPLATES,
    EXTENSIONS,
    LayeredEnvironment,
    Layers,
    set_templates,
    templates_of,
)
from core.web.locale import (
    DEFAULT_LOCALE,
    LOCALES,
    current_locale,
    identity_or_none,
    negotiate_locale,
    translate,
)
from core.web.once import FIELD, new_key
from core.web.slots import filled, slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context
    from pyramid.config import Configurator
    from pyramid.interfaces import IRendererInfo
    from pyramid.request import Request

__all__ = ["FILTERS", "GLOBALS", "path_of"]


def _ngettext(singular: str, plural: str, n: int) -> str:
    """Choose between two sentences by count, for ``{% trans %}``."""
    return translate(singular if n == 1 else plural)


def _finalize(value: Any) -> Any:
    """Translate what is printed, so that ``{{ column.label }}`` needs no ``_()``."""
    return translate(value) if isinstance(value, TranslationString) else value


def _gettext_global(text: str, mapping: Mapping[str, Any] | None = None) -> str:
    """Translate a sentence: ``{{ _("Kirim ke ${n} lembaga", mapping={"n": n}) }}``."""
    return translate(text, mapping)


def csrf(*, once: bool = True) -> Markup:
    """Print the hidden fields of a form: the token, and the key against double submission."""
    request = get_current_request()
    if request is None:
        return Markup()
    hidden = Markup('<input type="hidden" name="{}" value="{}">')
    fields = hidden.format("csrf_token", get_csrf_token(request))
    return fields + hidden.format(FIELD, new_key()) if once else fields


def path_of(request: Request, name: str, *elements: Any, **values: Any) -> str:
    """Give the path of a route as ``request.route_path`` does, quicker where it is a plain one.

    A list asks for two or three a row.
    """
    route = request.registry.getUtility(IRoutesMapper).get_route(name)
    if route is None or route.pregenerator or elements or any(key[0] == "_" for key in values):
        return str(request.route_path(name, *elements, **values))
    return f"{request.script_name}{route.generate(values)}"


@pass_context
def url(context: Context, name: str, *elements: Any, **values: Any) -> str:
    """Give the path of a route.

    ``{{ url("hibah.grant.detail", id=grant.id) }}``
    """
    request = context.get("request") or get_current_request()
    return path_of(request, name, *elements, **values)


def asset(spec: str) -> str:
    """Give the address of a static file.

    ``{{ asset("abah.css") }}``
    """
    return asset_url(get_current_request(), spec)


def localised(template: str) -> list[str]:
    """Return the template in the page's language before the Indonesian one.

    As ``help/pesan.en.jinja2``: for long prose, which is written anew in each language rather than
    translated sentence by sentence.
    """
    locale = current_locale()
    if locale == DEFAULT_LOCALE:
        return [template]
    return [template.replace(".jinja2", f".{locale}.jinja2"), template]


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "ago": formats.ago,
    "iso": formats.iso,
    "jam": formats.jam,
    "masked": formats.masked,
    "number": formats.number,
    "phone": formats.phone,
    "rupiah": formats.rupiah,
    "tanggal": formats.tanggal,
    "tanggal_pendek": formats.tanggal_pendek,
    "wib": formats.wib,
    "wib_full": formats.wib_full,
    "wib_pendek": formats.wib_pendek,
}
"""Ways of writing values; ``core.web.formats`` tells what each gives."""

GLOBALS: Final[Mapping[str, Any]] = {
    "_": _gettext_global,
    "asset": asset,
    "csrf": csrf,
    "filled": filled,
    "icon": icon,
    "languages": LOCALES,
    "localised": localised,
    "slot": slot,
    "page_scripts": SCRIPTS,
    "page_styles": STYLES,
    "url": url,
}
"""What templates call."""


class _Renderer:
    """Renders the topmost layer of a template."""

    def __init__(self, info: IRendererInfo) -> None:
        self._name = info.name
        self._environment = templates_of(info.registry)

    def __call__(self, value: Mapping[str, Any], system: dict[str, Any]) -> str:
        system.update(value)
        return self._environment.get_template(self._name).render(system)


def _choose_layout(event: BeforeRender) -> None:
    """Set ``layout``: dialog for a dialog, plain for somebody unknown, else the whole frame."""
    request = event.get("request")
    if request is None or "layout" in event:
        return
    if is_dialog(request):
        event["layout"] = "layouts/dialog.jinja2"
    elif identity_or_none(request) is None:
        event["layout"] = "layouts/plain.jinja2"
    else:
        event["layout"] = "layouts/base.jinja2"


def add_template_globals(config: Configurator, names: Mapping[str, Any]) -> None:
    """Add what every template can call."""
    templates_of(config.registry).globals.update(names)


def _environment(settings: Mapping[str, Any]) -> LayeredEnvironment:
    """Set Jinja up: autoescape, strict about names, our own words, the core's templates."""
    layers = Layers()
    layers.add(CORE, CORE_TEMPLATES)
    environment = LayeredEnvironment(
        loader=layers,
        extensions=EXTENSIONS,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=COMPILED,
        auto_reload=asbool(settings.get("pyramid.reload_templates")),
    )
    environment.filters.update(FILTERS)
    environment.globals.update(GLOBALS)
    environment.install_gettext_callables(translate, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    return environment


def includeme(config: Configurator) -> None:
    """Render templates of the name ``*.jinja2``."""
    set_templates(config.registry, _environment(config.registry.settings))
    config.add_directive("add_template_globals", add_template_globals)
    config.add_renderer(".jinja2", _Renderer)
    config.add_subscriber(_choose_layout, BeforeRender)
    config.set_locale_negotiator(negotiate_locale)
    config.add_translation_dirs("core:locale")
