from __future__ import annotations

import pytest

from tests.support.virtual_loop import virtually


def test_a_mark_of_a_test_on_the_virtual_clock_is_not_lost() -> None:
    @virtually
    @pytest.mark.slow
    async def marked() -> None: ...

    assert getattr(marked, "pytestmark", []) == [pytest.mark.slow.mark]
