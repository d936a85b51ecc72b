"""`python -m sandbox.render clips|notices|music|callers|utterances|backchannels [name ...]`, in the renderer's venv."""

from __future__ import annotations

import sys

from sandbox.render.callers import render_callers
from sandbox.render.clips import render_clips
from sandbox.render.music import render_music
from sandbox.render.notices import render_notices
from sandbox.render.utterances import render_utterances
from sandbox.utterances import BACKCHANNELS


def main(arguments: list[str]) -> int:
    match arguments:
        case ["callers", *names]:
            render_callers(tuple(names))
        case ["utterances", *names]:
            render_utterances(tuple(names))
        case ["backchannels", *names]:
            render_utterances(tuple(names), BACKCHANNELS)
        case ["clips"]:
            render_clips()
        case ["notices"]:
            render_notices()
        case ["music"]:
            render_music()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
