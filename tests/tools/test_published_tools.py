"""What the model is told of the tools: the original's names, descriptions and schemas, in its order."""

from __future__ import annotations

import json
from pathlib import Path

from tools.toolbox import Toolbox

PUBLISHED = Path(__file__).with_name("published_tools.json")


def test_the_model_is_told_of_the_originals_seven_tools_word_for_word() -> None:
    originals = PUBLISHED.read_text(encoding="utf-8")
    told = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in Toolbox.specs[: len(json.loads(originals))]
    ]
    assert json.dumps(told, ensure_ascii=False, indent=2) + "\n" == originals
