"""`carlos bench`: measure this machine's Carlos beside stock pipecat and a bare bridge."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def bench(
        quick: bool = typer.Option(False, "--quick", help="Under two minutes: one round, fewer calls."),
        only: list[str] = typer.Option([], help="Only these servers: ours, stock, bare."),  # noqa: B008
        rounds: int = typer.Option(0, help="Rounds of all servers; 0 for the plan's own."),
        kept: Path | None = typer.Option(None, help="Tell of a result that was kept, and measure nothing."),  # noqa: B008
        page: Path | None = typer.Option(None, help="Put the table into this page, and plots beside it."),  # noqa: B008
        processes: str = typer.Option("", help="One server in so many processes instead, as 1,2,4."),
        callers: int = typer.Option(40, min=1, max=200, help="With --processes: calls for each of them."),
        lines: str = typer.Option("", help="Instead, one process with so many calls, as 30,40,48,60,80; 4 minutes."),
        storm: bool = typer.Option(False, "--storm", help="With --processes: once more beside 20 new calls a second."),
    ) -> None:
        """Benchmarks, side by side with stock pipecat; the last line is the summary as JSON."""
        import json
        from dataclasses import replace

        from rich.console import Console

        from bench import aims, report
        from bench import page as pages
        from bench import run as benchmark

        console = Console(stderr=True, highlight=False)
        if processes:
            from bench import processes as fleets

            try:
                wanted = fleets.numbers(processes)
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--processes") from None
            measured = fleets.bench(wanted, callers, console, storm=storm)
            print(fleets.table(measured))
            print(json.dumps(measured))
            raise typer.Exit(0 if measured["rows"] else 1)
        if lines:
            from bench import levels

            try:
                asked = levels.numbers(lines)
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--lines") from None
            found = levels.bench(asked, console)
            print(levels.table(found))
            print(json.dumps(found))
            raise typer.Exit(0)
        if kept is not None:
            path, result = kept, json.loads(kept.read_text())
        else:
            plan = benchmark.QUICK if quick else benchmark.FULL
            plan = replace(plan, kinds=tuple(only) or plan.kinds, rounds=rounds or plan.rounds)
            result = benchmark.bench(plan, console)
            path = benchmark.save(result)
        if page is not None:
            pages.publish(result, page)
        print(report.table(result))
        print(aims.table(result))
        console.print(f"{path}, {result['took_s']:g} s")
        if not result["summary"]["noise"]["quiet"]:
            console.print("[yellow]others were using the server's core: these figures say little[/]")
        print(json.dumps(result["summary"]))
