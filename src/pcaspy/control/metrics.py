"""The counters of servers as metrics of Prometheus.

The text format needs no library; to serve it over HTTP, `metrics_http` uses
prometheus_client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Server(NamedTuple):
    """What a server says of itself."""

    name: str
    number: str  # for servers of the same name
    version: str
    started: float
    counters: Mapping[str, int]
    kinds: Mapping[str, str]
    meanings: Mapping[str, str]


class Family(NamedTuple):
    """One metric, of all servers."""

    name: str
    kind: str  # "counter" or "gauge"; a counter's name ends with _total
    meaning: str
    samples: list[tuple[dict[str, str], float]]  # labels and value


# Counters that have a better known name, and those that may fall, or are no number of
# events, though they are of what there was.
_NAMES = {
    "reads": "gets",
    "writes": "puts",
    "pva_reads": "pva_gets",
    "pva_writes": "pva_puts",
}
_GAUGES = {"circuits_peak", "longest_call"}
_SECONDS = {"longest_call": 1e-3}  # what a counter counts, where it is a time


def families(servers: Sequence[Server]) -> Iterator[Family]:
    """All metrics, each with what every server has of it."""
    often = Counter(server.name for server in servers)
    labels = [
        {
            "server": server.name
            if often[server.name] == 1
            else f"{server.name}-{server.number}"
        }
        for server in servers
    ]
    yield Family(
        "pcaspy_info",
        "gauge",
        "version of pcaspy",
        [
            ({**label, "version": server.version}, 1)
            for server, label in zip(servers, labels, strict=True)
        ],
    )
    yield Family(
        "pcaspy_start_time_seconds",
        "gauge",
        "when the server started, in seconds since 1970",
        [
            (label, server.started)
            for server, label in zip(servers, labels, strict=True)
        ],
    )
    names = dict.fromkeys(name for server in servers for name in server.counters)
    for name in names:
        yield _family(name, servers, labels)


def _family(
    name: str, servers: Sequence[Server], labels: Sequence[dict[str, str]]
) -> Family:
    having = [
        (server, label)
        for server, label in zip(servers, labels, strict=True)
        if name in server.counters
    ]
    first = having[0][0]
    gauge = first.kinds.get(name) == "now" or name in _GAUGES
    metric = "pcaspy_" + _NAMES.get(name, name)
    meaning = first.meanings.get(name, name)
    if name in _SECONDS:
        metric += "_seconds"
        meaning = meaning.replace("milliseconds", "seconds")
    return Family(
        metric if gauge else metric + "_total",
        "gauge" if gauge else "counter",
        meaning,
        [
            (label, server.counters[name] * _SECONDS.get(name, 1))
            for server, label in having
        ],
    )


def text(servers: Sequence[Server]) -> str:
    """All of them in Prometheus' text format."""
    lines = []
    for family in families(servers):
        meaning = family.meaning.replace("\\", "\\\\").replace("\n", "\\n")
        lines.append(f"# HELP {family.name} {meaning}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for labels, value in family.samples:
            inside = ",".join(f'{key}="{_quoted(of)}"' for key, of in labels.items())
            lines.append(f"{family.name}{{{inside}}} {value!r}")
    return "".join(line + "\n" for line in lines) if servers else ""


def _quoted(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
