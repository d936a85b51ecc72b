"""A pytest plugin that puts the tools in `eighth/` beside those of `tools/business`: `-p tests.tools.eighth_plugin`."""

from pathlib import Path

from tools import business

business.__path__.append(str(Path(__file__).with_name("eighth")))
