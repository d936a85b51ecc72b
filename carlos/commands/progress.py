"""How far a command is, on standard error: a bar for each step on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bars

from data.operators.progress import Progress, Total

EVERY_S = 10.0  # between two lines of a log


@dataclass(slots=True)
class Rate:
    """How many items of a step are done since it began, `at` in seconds of any clock."""

    what: str
    began: float
    done: int = 0
    total: Total | None = None

    def told(self, at: float) -> str:
        """`orders saved: 3,000 of about 12,000, 1,500 a second, 6 s left`."""
        parts = [f"{self.what}: {self.done:,}"]
        left = self.total.items - self.done if self.total else 0
        if self.total and left >= 0:
            parts[0] += f" of {'' if self.total.is_exact else 'about '}{self.total.items:,}"
        seconds = at - self.began
        if seconds > 0 and self.done:
            parts.append(f"{self.done / seconds:,.0f} a second")
            if left > 0:
                parts.append(f"{_duration(left * seconds / self.done)} left")
        return ", ".join(parts)


@dataclass(slots=True)
class Lines:
    """The lines of a log: none for a step that is over before the first is due."""

    every_s: float = EVERY_S
    rates: dict[str, Rate] = field(default_factory=dict)
    told_at: float | None = None

    def add(self, what: str, more: int, total: Total | None, at: float) -> str | None:
        """Return the line that is due."""
        rate = self.rates.setdefault(what, Rate(what, at))
        rate.done += more
        rate.total = total
        if self.told_at is None:
            self.told_at = at
        if at - self.told_at < self.every_s:
            return None
        self.told_at = at
        return rate.told(at)


@contextmanager
def shown(console: Console, clock: Callable[[], float] = monotonic) -> Iterator[Progress]:
    """What a command is given to say how far it is."""
    if console.is_terminal:
        with Bars(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), console=console) as bars:
            yield _on_bars(bars, clock)
        return
    lines = Lines()

    def advance(what: str, more: int, total: Total | None = None) -> None:
        if line := lines.add(what, more, total, clock()):
            console.print(line, markup=False)

    yield advance


def _on_bars(bars: Bars, clock: Callable[[], float]) -> Progress:
    rates: dict[str, Rate] = {}
    tasks = {}

    def advance(what: str, more: int, total: Total | None = None) -> None:
        if what not in rates:
            rates[what], tasks[what] = Rate(what, clock()), bars.add_task(what, total=None)
        rate = rates[what]
        rate.done += more
        rate.total = total
        items = max(total.items, rate.done) if total else None
        bars.update(tasks[what], description=rate.told(clock()), completed=rate.done, total=items)

    return advance


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
