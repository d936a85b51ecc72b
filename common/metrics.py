"""Every metric of Carlos, defined once: scraped as Prometheus text, and written as CloudWatch EMF lines.

Times are observed in seconds; CloudWatch gets milliseconds. A label's values are few and never personal. Count from the
event loop's thread only.

CloudWatch bills every combination of a name with values of its dimensions, by the month. So each metric is published
without dimensions, for alarms and scaling, and with its labels only for the values that an alarm asks for (`watched`);
on other lines of the log labels are plain fields, for Logs Insights. The stage is in the namespace, and no dimension: a
metric with a dimension is not found without it, so each would have to be published, and paid for, twice.

Source of the EMF format: the "Embedded metric format specification" of the CloudWatch user guide (at most 100
values in an array).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Any

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily

NAMESPACE = "Carlos"
CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_BOUNDS = [*map(str, BUCKETS), "+Inf"]
_EMF_VALUES = 100
_KEPT_VALUES = 4096  # of a period that nobody drains: where no EMF is written they would pile up

type Labels = tuple[str, ...]

DEFINITIONS: list[Metric] = []


@dataclass(eq=False, slots=True, kw_only=True)
class Metric:
    """`name` is CloudWatch's; Prometheus gets it in its own style. CloudWatch has one more metric for each of the label
    values in `watched`."""

    name: str
    help: str
    labels: Labels = ()
    watched: tuple[Labels, ...] = ()
    unit: str = "Count"
    _prometheus: Any = field(init=False)

    def __post_init__(self) -> None:
        DEFINITIONS.append(self)

    def drain(self) -> Iterator[tuple[Labels, list[float]]]:
        """Return what CloudWatch has not been told yet, by label values."""
        raise NotImplementedError

    def _values(self, labels: dict[str, str]) -> Labels:
        return tuple(map(labels.__getitem__, self.labels))


@dataclass(eq=False, slots=True, kw_only=True)
class Counter(Metric):
    _added: dict[Labels, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Metric.__post_init__(self)
        self._prometheus = prometheus.Counter(_snake(self.name), self.help, self.labels, registry=REGISTRY)

    def add(self, amount: float = 1, **labels: str) -> None:
        (self._prometheus.labels(**labels) if self.labels else self._prometheus).inc(amount)
        values = self._values(labels)
        self._added[values] = self._added.get(values, 0) + amount

    def drain(self) -> Iterator[tuple[Labels, list[float]]]:
        added, self._added = self._added, {}
        if not self.labels:
            added.setdefault((), 0)
        yield from ((labels, [amount]) for labels, amount in added.items())


@dataclass(eq=False, slots=True, kw_only=True)
class Gauge(Metric):
    """One without labels is 0 until it is set."""

    _now: dict[Labels, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Metric.__post_init__(self)
        self._prometheus = prometheus.Gauge(_snake(self.name), self.help, self.labels, registry=REGISTRY)
        if not self.labels:
            self._now[()] = 0

    def set(self, value: float, **labels: str) -> None:
        self._now[self._values(labels)] = value
        (self._prometheus.labels(**labels) if self.labels else self._prometheus).set(value)

    def drain(self) -> Iterator[tuple[Labels, list[float]]]:
        yield from ((labels, [value]) for labels, value in self._now.items())


@dataclass(slots=True)
class _Distribution:
    """What one set of labels has seen: counts for Prometheus since the start, values for CloudWatch since a drain."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT_VALUES))

    def buckets(self) -> list[tuple[str, float]]:
        return list(zip(_BOUNDS, accumulate(self.counts), strict=True))


@dataclass(eq=False, slots=True, kw_only=True)
class Timer(Metric):
    """A distribution of seconds. A `frequent` one tells CloudWatch its worst value of each period only.

    It counts for itself, and Prometheus collects it: a call observes about 200 values a second, and prometheus_client's
    own histogram takes several times as long for each.
    """

    unit: str = "Milliseconds"
    frequent: bool = False
    _seen: dict[Labels, _Distribution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Metric.__post_init__(self)
        if not self.labels:
            self._seen[()] = _Distribution()
        REGISTRY.register(self)

    def observe(self, seconds: float, **labels: str) -> None:
        values = self._values(labels) if labels else ()
        seen = self._seen.get(values)
        if seen is None:
            seen = self._seen[values] = _Distribution()
        seen.counts[bisect_left(BUCKETS, seconds)] += 1
        seen.total += seconds
        if not (self.frequent and seen.recent):
            seen.recent.append(seconds)
        elif seconds > seen.recent[0]:
            seen.recent[0] = seconds

    def collect(self) -> Iterator[prometheus.Metric]:
        """Yield the metric for the registry of prometheus_client."""
        family = HistogramMetricFamily(f"{_snake(self.name)}_seconds", self.help, labels=self.labels)
        for values, seen in self._seen.items():
            family.add_metric(values, seen.buckets(), seen.total)
        yield family

    def drain(self) -> Iterator[tuple[Labels, list[float]]]:
        for labels, seen in self._seen.items():
            recent = [round(value * 1000, 3) for value in seen.recent]
            seen.recent.clear()
            if recent:
                yield labels, recent


def _snake(name: str) -> str:
    words = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return f"carlos{words}"


# Calls.
ACTIVE_CALLS = Gauge(name="ActiveCalls", help="Calls on the line now.")
CALLS = Counter(name="Calls", help="Calls that ended.", labels=("line", "outcome"))
CALL_SECONDS = Timer(name="CallDuration", help="From the first media to the end of a call.", labels=("line",))
FAULTY_CALLS = Counter(name="FaultyCalls", help="Calls that met a fault of Sonic or of the line.")
SILENT_CALLS = Counter(name="SilentCalls", help="Calls in which the caller spoke and Carlos never answered.")
UNSERVED_CALLS = Counter(
    name="CallsWithoutModel", help="Calls that were passed on or ended because no stream to Sonic could be had."
)
PHONE_LINES = Counter(name="PhoneLines", help="Lines of phone calls that were opened.", labels=("carrier",))
REFUSALS = Counter(name="Refusals", help="Calls turned away.", labels=("reason",), watched=(("full",),))
FALLBACKS = Counter(
    name="Fallbacks", help="Times that Twilio could not use an answer and asked the fallback URL.", labels=("outcome",)
)
INTERRUPTIONS = Counter(name="Interruptions", help="Answers that the caller cut off.")

# Latency.
TURN_LATENCY = Timer(
    name="TurnLatency", help="From the end of the caller's last word to the first sound of the answer on his line."
)
GREETING_LATENCY = Timer(name="GreetingLatency", help="From the start of a call to the first audio.")
ADDED_LATENCY = Timer(
    name="AddedLatency",
    help="What this server adds: from the line to Sonic (in), from Sonic to the line (out).",
    labels=("hop",),
    frequent=True,
)
CLEAR_LATENCY = Timer(name="ClearLatency", help="From Sonic's sign of a barge-in to `clear` on the line.")
PACING_LATENESS = Timer(
    name="PacingLateness", help="How long after the line had run dry a frame of an answer came.", frequent=True
)
RESAMPLING = Timer(name="ResamplingTime", help="Making the frames that are due on a line.", frequent=True)
LOOP_LAG = Timer(name="LoopLag", help="How late the event loop wakes up.", frequent=True)
UNREADABLE = Counter(name="UnreadableRecords", help="Stored items that a list was given without; must be 0.")
AUDIO_LOST = Counter(name="AudioLost", help="Caller audio that never reached Sonic; must be 0.", unit="Milliseconds")

# Around the conversation.
TOOL_LATENCY = Timer(name="ToolLatency", help="One use of a tool.", labels=("tool", "outcome"))
STORE_LATENCY = Timer(name="StoreLatency", help="One operation of the store.", labels=("operation", "outcome"))
STORE_ERRORS = Counter(name="StoreErrors", help="Operations that the store did not answer.")
SONIC_OPEN_LATENCY = Timer(name="SonicOpenLatency", help="Opening a stream to Sonic.", labels=("outcome",))
SONIC_FAULTS = Counter(name="SonicFaults", help="Streams that failed.", labels=("kind",))
SONIC_SUSPICIONS = Counter(
    name="SonicSuspicions", help="Streams that said nothing though something was owed.", labels=("outcome",)
)
CIRCUIT_OPENED = Counter(name="CircuitOpened", help="Times that Sonic seemed to be down for all calls of a process.")
FILLERS = Counter(name="Fillers", help="Late answers that the caller was asked to wait for.")
SONIC_UNKNOWN = Counter(
    name="SonicUnknown", help="What the service said in words or ways that are not known here.", labels=("what",)
)
SONIC_THROTTLES = Counter(name="SonicThrottles", help="Streams that the service refused for their number.")
ROTATIONS = Counter(name="Rotations", help="Streams replaced before their time limit.")
INPUT_SPEECH_TOKENS = Counter(name="InputSpeechTokens", help="Tokens heard.")
OUTPUT_SPEECH_TOKENS = Counter(name="OutputSpeechTokens", help="Tokens spoken.")
INPUT_TEXT_TOKENS = Counter(name="InputTextTokens", help="Tokens read.")
OUTPUT_TEXT_TOKENS = Counter(name="OutputTextTokens", help="Tokens written.")

# The fleet.
SONIC_LEASES = Gauge(
    name="SonicLeases", help="Streams that this process's calls have leased in a Region.", labels=("region",)
)
LEASES_EXHAUSTED = Counter(
    name="LeasesExhausted", help="Times that a stream was wanted and no Region had one to lease."
)
LEASES_UNKNOWN = Counter(
    name="LeasesUnknown", help="Times that the store could not tell of leases, and calls went by a process's own seats."
)

# The server.
REQUESTS = Counter(name="Requests", help="REST requests.", labels=("method", "status"))
REST_DENIALS = Counter(name="RestDenials", help="REST requests without a key that allows them.", labels=("status",))
LOG_DROPPED = Counter(name="CallLogDropped", help="Call events and records not delivered.", labels=("kind",))
WEBHOOKS = Counter(
    name="Webhooks",
    help="Attempts to tell a receiver of an event (delivered, failed), and events that were given up (given_up).",
    labels=("outcome",),
    watched=(("given_up",),),
)
WEBHOOK_AGE = Gauge(
    name="WebhookAgeSeconds",
    help="For how long the oldest event that this process has for a receiver has waited.",
    labels=("receiver",),
    unit="Seconds",
)


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(REGISTRY)


def added_up(expositions: Iterable[str]) -> str:
    """Expositions of several processes as one, sample by sample: counters, buckets and gauges are all sums.

    They are written alike, so a sample's name and labels are compared as they stand: a millisecond for a process.
    """
    families: dict[str, dict[str, float | None]] = {}
    family: dict[str, float | None] = {}
    for line in chain.from_iterable(text.splitlines() for text in expositions):
        if line.startswith("# HELP "):
            family = families.setdefault(line, {})
        elif line.startswith("#"):
            family[line] = None
        elif line:
            sample, _, value = line.rpartition(" ")
            family[sample] = (family.get(sample) or 0.0) + float(value)
    lines = [
        line
        for head, samples in families.items()
        for line in (head, *(name if value is None else f"{name} {value!r}" for name, value in samples.items()))
    ]
    return "\n".join([*lines, ""])


def emf(timestamp_ms: int, namespace: str = NAMESPACE) -> Iterator[dict[str, Any]]:
    """Return what happened since the last time as EMF objects; gauges and plain counters are there even at zero."""
    plain: dict[str, tuple[Metric, list[float]]] = {}
    for metric in DEFINITIONS:
        for values, observed in metric.drain():
            for start in range(0, len(observed), _EMF_VALUES):
                part = observed[start : start + _EMF_VALUES]
                if values or start:
                    yield _emf_object({metric.name: (metric, part)}, metric.labels, values, timestamp_ms, namespace)
                else:
                    plain[metric.name] = metric, part
    yield _emf_object(plain, (), (), timestamp_ms, namespace)


def _emf_object(
    told: dict[str, tuple[Metric, list[float]]], names: Labels, values: Labels, timestamp_ms: int, namespace: str
) -> dict[str, Any]:
    is_watched = any(values in metric.watched for metric, _ in told.values())
    directive = {
        "Namespace": namespace,
        "Dimensions": [[], list(names)] if is_watched else [[]],
        "Metrics": [{"Name": name, "Unit": metric.unit} for name, (metric, _) in told.items()],
    }
    return {
        "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]},
        **dict(zip(names, values, strict=True)),
        **{name: part[0] if len(part) == 1 else part for name, (_, part) in told.items()},
    }
