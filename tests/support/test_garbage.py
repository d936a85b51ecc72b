"""The garbage collector while tests run."""

from __future__ import annotations

import gc


def test_the_garbage_collector_works_and_leaves_out_what_tests_are_made_of() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(gc.get_objects()) / 10
