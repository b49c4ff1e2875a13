"""Which names are one person's? Merges identities that are known to be the same, before folds are drawn."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from deepfake_core.contract.errors import InvalidTable, UsageError
from deepfake_core.contract.tables import listed, rows
from deepfake_core.data.index import Index, read_csv

COLUMNS = ("identity", "person")

logger = logging.getLogger(__name__)


def read_aliases(path: Path) -> dict[str, str]:
    """The person of each identity that a CSV with the columns ``identity,person`` names.

    Names that rows link, directly or through others, are one person: with ``a,b`` and ``b,c`` all three are ``c``. Where rows
    give a person several names, the alphabetically first of those that stand for no other is taken.

    Raises:
        UsageError: no such file.
        InvalidTable: a column is absent or a cell empty.
    """
    table = read_csv(path)
    absent = [column for column in COLUMNS if column not in table]
    if absent:
        raise InvalidTable(
            f"{path}: lacks the column(s) {', '.join(absent)}; it has {', '.join(table.columns)}.",
            hint="write one line for each name of a person: identity,person.",
        )
    cells = table[list(COLUMNS)].apply(lambda column: column.str.strip()).replace("", None)
    empty = cells.isna().any(axis=1)
    if empty.any():
        raise InvalidTable(f"{path}: a cell is empty in {rows(empty)}.", hint="fill it in, or drop the line.")
    pairs = list(cells.itertuples(index=False, name=None))
    together: dict[str, set[str]] = {}
    for pair in pairs:
        merged = set().union(*(together.get(name, {name}) for name in pair))
        together.update(dict.fromkeys(merged, merged))
    renamed = {identity for identity, person in pairs if identity != person}
    return {name: min(merged - renamed or merged) for name, merged in together.items()}


def merged(index: Index, person: dict[str, str], source: Path) -> Index:
    """The index with every identity under its person's name.

    Args:
        index: the videos.
        person: by identity.
        source: of the aliases, for messages.

    Raises:
        UsageError: none of the identities is in the index.
    """
    there = {name for video in index.videos for name in video.identities}
    strangers = sorted(name for name, whose in person.items() if name != whose and name not in there)
    if not there & set(person):
        raise UsageError(
            f"{source}: nobody of it is in {index.source}: {listed(strangers)}.",
            hint=f"name people as the index does, e.g. {min(there)}.",
        )
    if strangers:
        logger.warning("%s: in no video: %s.", source, listed(strangers))
    return Index(
        tuple(
            replace(video, identities=tuple(dict.fromkeys(person.get(name, name) for name in video.identities)))
            for video in index.videos
        ),
        index.source,
    )
