"""A webhook belongs to its plugin, and whatever of the plugin's code fails stays in its fence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from webtest import TestApp

from core.api.webhooks import webhook_url
from core.app import build_wsgi
from core.framework.hooks import BREAKER_LIMIT
from core.framework.lifecycle import Lifecycle
from core.framework.loading import PluginLoadError
from core.framework.runtime import Runtime
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

CODE = """
    from core.api.hooks import hookimpl
    from core.api.webhooks import Signature, add_webhook


    def secret(runtime):
        return runtime.plugin_settings("peta")["tidak_ada"]


    @hookimpl
    def include_web(config):
        add_webhook(config, "NAME", lambda request: None, signature=Signature("X-Tanda", secret))
"""


@pytest.mark.parametrize("name", ["lapor", "dasar.lapor", "peta.{lapor}"])
def test_a_webhook_bears_the_name_of_its_plugin(
    deployment: Deployment, workshop: Workshop, name: str
) -> None:
    workshop.plugin("dasar")
    workshop.plugin("peta", code=CODE.replace("NAME", name))
    lifecycle = Lifecycle(deployment())
    lifecycle.install("dasar")
    with pytest.raises(PluginLoadError, match="is no name for a webhook"):
        lifecycle.install("peta")


def test_a_secret_that_fails_is_counted_against_the_plugin_until_the_breaker_opens(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta", code=CODE.replace("NAME", "peta.lapor"))
    Lifecycle(deployment()).install("peta")
    runtime = deployment()
    browser = TestApp(build_wsgi(runtime))
    path = webhook_url(runtime, "peta.lapor").removeprefix("http://localhost")
    for _each in range(BREAKER_LIMIT):
        assert browser.post(path, b"x", status=500).text == "failed, try again later"
    browser.post(path, b"x", status=503)
    assert runtime.hooks.stats("peta", "signature peta.lapor").failures == BREAKER_LIMIT
    assert runtime.hooks.stats("peta", "webhook peta.lapor").calls == 0
