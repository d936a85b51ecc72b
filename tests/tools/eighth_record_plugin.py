"""A pytest plugin that puts the tool with a record of its own, in `eighth_with_record/`, beside those of
`tools/business`: `-p tests.tools.eighth_record_plugin`."""

from pathlib import Path

from tools import business

business.__path__.append(str(Path(__file__).with_name("eighth_with_record")))

import tools.catalogue  # noqa: E402, F401 - declares it before tests are collected for each type of record
