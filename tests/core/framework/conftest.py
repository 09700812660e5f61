"""A deployment that is worth a copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.audit import record
from core.framework.lifecycle import Lifecycle
from core.framework.models import LoadedData, StoredSetting
from core.framework.runtime import Runtime
from tests.core.conftest import Workshop

Deployment = Callable[..., Runtime]

AT = datetime(2018, 11, 30, 5, 53, 19, 123456, tzinfo=UTC)


@pytest.fixture
def source(deployment: Deployment, workshop: Workshop) -> Runtime:
    """A deployment with a plugin and rows of every kind of value."""
    workshop.plugin("peta", files=workshop.migration("peta", "peta_thing"))
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    with runtime.database.writing() as session:
        for number in range(1, 1502):
            session.execute(
                text("INSERT INTO peta_thing (id, note) VALUES (:id, :note)"),
                {"id": number, "note": f"Ruang {number} «ñ» \n 日本"},
            )
        record(session, actor_id=7, action="uji", subject="uji:1", details={"a": [1, None, "ä"]})
        session.add(
            StoredSetting(owner="peta", key="rahasia", value="x", is_secret=True, changed_at=AT)
        )
        session.add(
            LoadedData(owner="peta", kind="k", external_id="a", loaded={"b": 1}, offered=None)
        )
    return runtime
