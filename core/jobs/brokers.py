"""The broker of a deployment: memory, Redis or RabbitMQ.

A broker only carries wake-ups. It has no middleware: nothing retries (the sweeper does), and
nothing raises exceptions into a thread that is in the middle of a chunk.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection
from typing import Final

from dramatiq import Broker
from dramatiq.brokers.stub import StubBroker

from core.errors import ConfigurationError
from core.i18n import _

__all__ = ["MEMORY", "delete_queues", "make_broker"]

MEMORY: Final = "memory"
"""Value of ``abah.jobs.broker`` for a worker inside the web process."""
NAMESPACE: Final = "abah"
CONNECT_SECONDS: Final = 2.0


def make_broker(address: str) -> Broker:
    """Make the broker that ``abah.jobs.broker`` names; nothing is connected yet.

    ``memory``, ``redis://host:6379/0``, ``unix:///path/to/redis.sock`` or ``amqp://…``.

    :raises ConfigurationError: the address is none of these, or its library is not installed.
    """
    broker = _broker(address)
    # It warns of the second Worker in a process; ours have queues of their own each.
    broker.logger.setLevel(logging.ERROR)
    return broker


def delete_queues(broker: Broker, names: Collection[str]) -> None:
    """Take queues away with all that waits in them; raises whatever the broker raises."""
    if isinstance(broker, StubBroker):
        return
    client = getattr(broker, "client", None)
    if client is None:
        channel = broker.channel  # type: ignore[attr-defined]
        for name in names:
            for part in (name, f"{name}.DQ", f"{name}.XQ"):
                channel.queue_delete(queue=part)
        return
    for key in client.scan_iter(f"{NAMESPACE}:*"):
        rest = key.decode().removeprefix(f"{NAMESPACE}:")
        own = any(rest == name or rest.startswith(f"{name}.") for name in names)
        # What a worker has fetched and not yet done.
        fetched = rest.startswith("__acks__.") and rest.split(".", 2)[-1].removesuffix(".DQ")
        if own or fetched in names:
            client.delete(key)


def _broker(address: str) -> Broker:
    if address == MEMORY:
        return StubBroker(middleware=[])
    scheme = address.partition("://")[0]
    try:
        if scheme in {"redis", "rediss", "unix"}:
            return _redis(address)
        if scheme in {"amqp", "amqps"}:
            return _rabbitmq(address)
    except ImportError:
        raise ConfigurationError(
            _(
                "abah.jobs.broker = ${address} membutuhkan pustaka yang belum dipasang: "
                "pip install dramatiq[redis] atau dramatiq[rabbitmq].",
                mapping={"address": scheme},
            )
        ) from None
    raise ConfigurationError(
        _(
            "abah.jobs.broker = ${address} tidak dikenal. Isi memory, redis://…, unix://… atau amqp://….",
            mapping={"address": scheme},
        )
    )


def _redis(address: str) -> Broker:
    import redis  # noqa: PLC0415 - only where it is used
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    client = redis.Redis.from_url(address, socket_connect_timeout=CONNECT_SECONDS)
    broker: Broker = RedisBroker(client=client, middleware=[], namespace=NAMESPACE)  # type: ignore[no-untyped-call]
    return broker


def _rabbitmq(address: str) -> Broker:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415 - only where used

    return RabbitmqBroker(url=address, middleware=[])
