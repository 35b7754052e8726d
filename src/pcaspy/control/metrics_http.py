"""The counters of a server over HTTP, for Prometheus. Needs prometheus_client."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._version import __version__
from ..host import pva as pva_host
from ..native._tables import counters
from . import metrics

_HOST = "127.0.0.1"
_IDLE = 30.0  # seconds that a connection may say nothing


class Metrics:
    """Serves them on loopback, from the start to `close`.

    Args:
        port: The TCP port, 0 for a free one.
        name: The label `server`.
        stats: The counters of the server, now.
        over_pva: Whether those of PVAccess are among them.

    Raises:
        ImportError: prometheus_client is not installed.
        OSError: The port cannot be used.
    """

    def __init__(
        self,
        port: int,
        name: str,
        stats: Callable[[], Mapping[str, int]],
        over_pva: bool = False,
    ) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise ImportError(
                "metrics over HTTP need the package prometheus_client:"
                " pip install 'pcaspy[metrics]'"
            ) from error
        table = [*counters(), *(pva_host.counters() if over_pva else [])]
        self._name, self._stats, self._started = name, stats, time.time()
        self._kinds = {counter: kind for counter, kind, _ in table}
        self._meanings = {counter: meaning for counter, _, meaning in table}
        registry = prometheus.CollectorRegistry()
        registry.register(_Collector(self))
        prometheus.ProcessCollector(registry=registry)
        self._server, self._thread = prometheus.start_http_server(
            port, addr=_HOST, registry=registry
        )
        handler: Any = self._server.RequestHandlerClass
        self._server.RequestHandlerClass = _patient(handler)
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def now(self) -> metrics.Server:
        """What the server says of itself."""
        return metrics.Server(
            name=self._name,
            number=str(os.getpid()),
            version=__version__,
            started=self._started,
            counters=self._stats(),
            kinds=self._kinds,
            meanings=self._meanings,
        )


def _patient(kind: type[Any]) -> type[Any]:
    """A handler, which has a thread, that ends when it is asked for nothing."""

    class Handler(kind):  # type: ignore[misc]
        timeout = _IDLE

        def handle(self) -> None:
            with contextlib.suppress(TimeoutError):
                super().handle()

    return Handler


class _Collector:
    """As prometheus_client wants it."""

    def __init__(self, of: Metrics) -> None:
        self._of = of

    def collect(self) -> Iterator[Any]:
        """The metrics, now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for family in metrics.families([self._of.now()]):
            kind = (
                CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            )
            labels = list(family.samples[0][0])
            made = kind(family.name, family.meaning, labels=labels)
            for sample, value in family.samples:
                made.add_metric(list(sample.values()), value)
            yield made
