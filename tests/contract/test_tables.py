"""A table that breaks its schema is refused, with column and lines."""

from __future__ import annotations

import pandas as pd
import pytest

from deepfake_core.contract import tables
from deepfake_core.contract.errors import InvalidTable

GOOD = {"video_id": ["a", "b", "c"], "fold": ["0", "1", "0"], "group": ["x", "y", "x"]}


def test_good_table_passes():
    tables.FOLDS.check(pd.DataFrame(GOOD), "f.csv")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fold": None}, "lacks the column.s. fold"),
        ({"fold": ["0", "one", "1"]}, "'fold' holds 'one' in line 3"),
        ({"fold": ["0", "1.5", "1"]}, "'1.5' in line 3"),
        ({"group": ["x", None, None]}, "'group' is empty in lines 3, 4"),
        ({"group": ["", "y", "z"]}, "'group' is empty in line 2"),
    ],
)
def test_faults_are_named(change, says):
    columns = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(InvalidTable, match=says) as caught:
        tables.FOLDS.check(pd.DataFrame(columns), "f.csv")
    assert "f.csv" in str(caught.value)


def test_long_lists_are_cut():
    assert tables.listed(list("abc")) == "a, b, c"
    assert tables.listed(list("abcdefgh")) == "a, b, c, d, e, … (8 in all)"
