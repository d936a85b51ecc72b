"""`carlos serve`: the server, on the embedded defaults unless settings say otherwise."""

from __future__ import annotations

import typer
from loguru import logger

LOG_FILE = "carlos.log"  # in the data home


def register(app: typer.Typer) -> None:
    @app.command()
    def serve(
        verbose: bool = typer.Option(False, "--verbose", help="On a terminal: the whole log, not people's lines only."),
        debug: bool = typer.Option(False, "--debug", help="LOGLEVEL=DEBUG, and --verbose."),
    ) -> None:
        """Take phone calls, browsers and admins on one port; Ctrl-C stops it."""
        from common import log
        from common.settings import Settings
        from common.settings.doubts import doubts
        from common.settings.misspelt import misspelt, names_given
        from common.settings.unused import unused

        settings = Settings()
        if debug:
            settings = settings.model_copy(update={"loglevel": "DEBUG"})
        log.configure(settings.loglevel, None if verbose or debug else settings.carlos_home / LOG_FILE)
        for name, meant in misspelt(names_given()).items():
            hint = f"did you mean {meant}?" if meant else "see docs/settings.md"
            logger.warning("{} is no setting of Carlos and does nothing: {}", name, hint)
        for doubt in doubts(settings):
            logger.warning(doubt)
        if idle := unused(settings, names_given()):
            logger.warning(idle)
        if settings.processes > 1:
            from carlos.processes.supervisor import serve as run
        else:
            from carlos.server import serve as run  # after the log: pipecat talks while it is imported
        run(settings)
