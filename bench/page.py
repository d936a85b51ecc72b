"""A result on the page that tells of it: the table, the plots, and which aims were held."""

from __future__ import annotations

from pathlib import Path

from bench import aims
from bench.report import NAMES, Result, dig, loads_of, runs_of, table
from bench.stage import KINDS

COLOURS = {"ours": "#1b7f5c", "stock": "#b5442e", "bare": "#777777"}
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"  # of what `publish` writes


def publish(result: Result, page: Path) -> None:
    """Put aims and table between the page's two marks, and the plots beside the page."""
    plots = "".join(f"\n![{path.stem}]({path.name})" for path in plot(result, page.parent))
    machine = result["machine"]
    built = "" if machine.get("profile_guided", True) else " (built without profile-guided optimisation)"
    python = f"Python {machine['python']}{built}"
    about = f"{result['began'][:10]}, {machine['cpu']}, {python}, {result['plan']['rounds']} rounds"
    quiet = "" if result["summary"]["noise"]["quiet"] else " **Others were using the server's core meanwhile.**"
    replace_figures(page, f"Measured on {about}.{quiet}\n\n{aims.table(result)}\n{table(result)}{plots}")


def replace_figures(page: Path, told: str) -> None:
    """Put `told` between the page's two marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{after}")


def plot(result: Result, folder: Path) -> list[Path]:
    """Latency and gaps against the number of calls, and memory; PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    paths = []
    for name, title, path in (
        ("latency", "added latency, p99 (ms)", ("added_latency_ms", "p99")),
        ("gap", "gap between messages of an answer, p99 (ms)", ("gap_ms", "p99")),
        ("cpu", "CPU (% of a core)", ("use", "cpu")),
        ("memory", "resident memory (MB)", ("rss_mb",)),
    ):
        figure, axes = pyplot.subplots(figsize=(6.4, 4))
        for kind in KINDS:
            points = sorted((row["calls"], value) for run in runs_of(result, kind) for row in loads_of(run)
                            if (value := dig(row, path)) is not None)  # fmt: skip
            if points:
                axes.plot(*zip(*points, strict=True), "o", color=COLOURS[kind], label=NAMES[kind], alpha=0.6)
        if name in ("latency", "gap"):
            axes.set_yscale("log")
        axes.set(xlabel="calls on one core", ylabel=title)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.tight_layout()
        paths.append(folder / f"performance-{name}.png")
        figure.savefig(paths[-1], dpi=120)
        pyplot.close(figure)
    return paths
