"""A page is rendered through the layers of its template, and follows the plugins that run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from webtest import TestApp

from core.app import build_wsgi
from core.errors import AbahError
from core.framework.doctor import Severity, examine
from core.framework.lifecycle import Lifecycle
from core.framework.models import PluginState
from core.framework.overview import overview
from core.framework.preview import preview_install
from core.framework.runtime import Runtime
from core.i18n import plain
from core.live import Live
from tests.core.conftest import Workshop

pytestmark = [
    pytest.mark.plugins(),
]

Deployment = Callable[..., Runtime]

PAGES = """
from core.api.hooks import hookimpl
from pyramid.security import NO_PERMISSION_REQUIRED

@hookimpl
def include_web(config):
    config.add_route("dasar.kartu", "/kartu")
    config.add_view(
        lambda request: {},
        route_name="dasar.kartu",
        renderer="dasar/kartu.jinja2",
        permission=NO_PERMISSION_REQUIRED,
    )
"""
CARD = (
    '{% import "dasar/makro.jinja2" as makro %}'
    "{% block isi %}dasar{% endblock isi %} "
    '{% include "dasar/sisip.jinja2" %} '
    '{% include localised("dasar/panjang.jinja2") %} '
    "{{ makro.cap() }}"
)
BASE = {
    "templates/dasar/kartu.jinja2": CARD,
    "templates/dasar/makro.jinja2": "{% macro cap() %}cap{% endmacro %}",
    "templates/dasar/sisip.jinja2": "{% block sisip %}sisip{% endblock sisip %}",
    "templates/dasar/panjang.jinja2": "{% block panjang %}panjang{% endblock panjang %}",
    "templates/dasar/panjang.en.jinja2": "{% block panjang %}long{% endblock panjang %}",
}


def layer(block: str, content: str, before: str = "") -> str:
    """Write a layer that puts something around a block."""
    return (
        f'{{#- Sendiri. -#}}\n{{% extends "!" %}}\n{before}'
        f"{{% block {block} %}}{content}{{% endblock {block} %}}"
    )


ABOVE = {
    "templates/dasar/kartu.jinja2": layer(
        "isi",
        '{% from "dasar/makro.jinja2" import cap, tambah %}'
        "atas({{ super() }}, {{ cap() }}, {{ tambah() }})",
    ),
    "templates/dasar/makro.jinja2": ('{% extends "!" %}\n{% macro tambah() %}tambah{% endmacro %}'),
    "templates/dasar/sisip.jinja2": layer("sisip", "atas({{ super() }})"),
    "templates/dasar/panjang.en.jinja2": layer("panjang", "above({{ super() }})"),
    "templates/accounts/sign_in.jinja2": layer("title", "{{ super() }} ke kota"),
}


def card(app: TestApp, path: str = "/p/dasar/kartu") -> str:
    return " ".join(app.get(path).text.split())


@pytest.fixture
def chain(workshop: Workshop) -> Workshop:
    """Plugin dasar with a page, tengah and atas with layers on it."""
    workshop.plugin("dasar", code=PAGES, files=BASE)
    middle = {"templates/dasar/kartu.jinja2": layer("isi", "tengah({{ super() }})")}
    workshop.plugin("tengah", toml='[depends]\ndasar = ""\n', files=middle)
    workshop.plugin("atas", toml='after = ["tengah"]\n[depends]\ndasar = ""\n', files=ABOVE)
    return workshop


@pytest.mark.usefixtures("chain")
def test_each_layer_sees_the_one_below_and_goes_with_its_plugin(deployment: Deployment) -> None:
    other = deployment()
    Lifecycle(other).install("tengah", "atas")
    served = Live(deployment())
    app = TestApp(served)
    whole = "atas(tengah(dasar), cap, tambah) atas(sisip) panjang cap"
    try:
        assert card(app) == whole
        assert "Masuk ke kota" in app.get("/masuk").html.title.text
        app.set_cookie("abah_locale", "en")
        assert card(app).endswith("atas(sisip) above(long) cap")
        app.reset()
        for name, left in {
            "tengah": "atas(dasar, cap, tambah) atas(sisip) panjang cap",
            "atas": "tengah(dasar) sisip panjang cap",
        }.items():
            Lifecycle(other).disable(name)
            assert served.follower.look()
            assert card(app) == left, name
            Lifecycle(other).enable(name)
            assert served.follower.look()
            assert card(app) == whole, "code that was compiled before is that of each layer"
    finally:
        served.close()


def test_a_file_that_hides_another_is_refused_and_left_out_of_a_build(
    deployment: Deployment, chain: Workshop
) -> None:
    runtime = deployment()
    chain.plugin("culas", files={"templates/layouts/plain.jinja2": "kosong"})
    with pytest.raises(AbahError, match=r"culas menutupi milik core"):
        Lifecycle(runtime).install("culas")
    Lifecycle(runtime).install("tengah", "atas")
    chain.write(chain.folder / "tengah" / "templates" / "dasar" / "kartu.jinja2", "kosong")
    app = TestApp(build_wsgi(deployment()))
    assert card(app) == "atas(dasar, cap, tambah) atas(sisip) panjang cap"


def test_an_upgrade_that_loses_a_block_names_whose_layer_goes_and_leaves_it_out(
    deployment: Deployment, chain: Workshop
) -> None:
    Lifecycle(deployment()).install("tengah", "atas")
    renamed = BASE | {"templates/dasar/kartu.jinja2": CARD.replace("block isi", "block baru")}
    chain.plugin("dasar", version="2.0", code=PAGES, files=renamed)
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    (preview,) = preview_install(runtime, lifecycle.plan_upgrade("dasar"))
    tengah, atas = (plain(text) for text in preview.warnings)
    assert "dasar/kartu.jinja2 dari plugin tengah mengisi blok isi" in tengah
    assert tengah.endswith("milik dasar. Blok yang ada: baru.")
    assert "plugin atas" in atas
    lifecycle.upgrade("dasar")
    runtime = deployment()
    assert card(TestApp(build_wsgi(runtime))) == "dasar atas(sisip) panjang cap"
    states = {status.name: status.state for status in overview(runtime)}
    assert states["dasar"] is states["atas"] is PluginState.INSTALLED
    told = {finding.plugin for finding in examine(runtime) if finding.severity is Severity.ERROR}
    assert told == {"tengah", "atas"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 1 | entah }}", r"sendiri/x.jinja2 dari plugin sendiri salah pada baris 1: .*entah"),
        ("\n{% if %}", r"sendiri/x.jinja2 dari plugin sendiri salah pada baris 2"),
        (
            "{% extends layout %}{% block contnet %}{% endblock %}",
            r"mengisi blok contnet, .* Blok yang ada: .*content, ",
        ),
    ],
)
def test_a_template_that_would_fail_is_refused_at_install(
    deployment: Deployment, workshop: Workshop, source: str, reason: str
) -> None:
    workshop.plugin("sendiri", files={"templates/sendiri/x.jinja2": source})
    with pytest.raises(AbahError, match=reason):
        Lifecycle(deployment()).install("sendiri")
