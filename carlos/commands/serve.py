"""`carlos serve`: the server, on the embedded defaults unless settings say otherwise."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def serve(debug: bool = typer.Option(False, "--debug", help="LOGLEVEL=DEBUG")) -> None:
        """Take phone calls, browsers and admins on one port."""
        from common import log
        from common.settings import Settings

        settings = Settings()
        if debug:
            settings = settings.model_copy(update={"loglevel": "DEBUG"})
        log.configure(settings.loglevel)
        if settings.processes > 1:
            from carlos.processes.supervisor import serve as run
        else:
            from carlos.server import serve as run  # after the log: pipecat talks while it is imported
        run(settings)
