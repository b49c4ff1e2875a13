"""The only place for table schemas, column names and file names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepfake_core.contract.errors import InvalidTable

if TYPE_CHECKING:
    import pandas as pd

INDEX_FILE = "master_dataset_index.csv"
FOLDS_FILE = "folds.csv"
CERTIFICATE_FILE = "leakage_certificate.json"
OOF_FILE = "oof.parquet"
EXTRACTED_FILE = "extracted.csv"
METRICS_FILE = "fold_metrics.csv"
SETTINGS_FILE = "settings.json"
EXPORTS_DIR = "exports"
MODELS_DIR = "models"
FUSED_FILE = "fused.parquet"
ENSEMBLE_PREDICTIONS_FILE = "ensemble_final_predictions.csv"
ENSEMBLE_METRICS_FILE = "ensemble_metrics_with_ci.csv"
OFFICIAL_METRICS_FILE = "official_test_metrics_with_ci.csv"
META_FEATURES_FILE = "meta_features.csv"
ENSEMBLE_PLOTS_FILE = "ensemble_evaluation_plots.png"

IDENTITY_SEPARATOR = ";"


@dataclass(frozen=True)
class Column:
    """One column: its name, kind (``str``, ``int``, ``float``), and whether it may be absent or empty."""

    name: str
    kind: str = "str"
    required: bool = True
    nullable: bool = False


@dataclass(frozen=True)
class Schema:
    """The columns of one table, in their order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """All column names, in order."""
        return [column.name for column in self.columns]

    def check(self, table: pd.DataFrame, source: object) -> None:
        """Checks presence, emptiness and numeric kind of every column.

        Raises:
            InvalidTable: names the source, the column and the first offending rows.
        """
        import pandas as pd

        missing = [c.name for c in self.columns if c.required and c.name not in table]
        if missing:
            raise InvalidTable(
                f"{source}: the {self.name} table lacks the column(s) {', '.join(missing)}; "
                f"it has {', '.join(map(str, table.columns))}.",
                hint=f"a {self.name} table needs {', '.join(c.name for c in self.columns if c.required)}.",
            )
        for column in self.columns:
            if column.name not in table:
                continue
            values = table[column.name]
            empty = values.isna() | (values.astype(str) == "")
            if not column.nullable and empty.any():
                raise InvalidTable(
                    f"{source}: column {column.name!r} is empty in {rows(empty)}.",
                    hint="fill it in, or drop those rows.",
                )
            if column.kind in ("int", "float"):
                numbers = pd.to_numeric(values, errors="coerce")
                wrong = numbers.isna() & values.notna()
                if column.kind == "int":
                    wrong |= numbers.notna() & (numbers % 1 != 0)
                if wrong.any():
                    raise InvalidTable(
                        f"{source}: column {column.name!r} holds {values[wrong].iloc[0]!r} in {rows(wrong)}.",
                        hint=f"every value must be {'a whole' if column.kind == 'int' else 'a'} number.",
                    )


INDEX = Schema(
    "index",
    (
        Column("video_id"),
        Column("path"),
        Column("label", "int"),
        Column("dataset"),
        Column("method"),
        Column("identity"),
        Column("identities"),
        Column("split", required=False, nullable=True),
        Column("sha256", required=False, nullable=True),
        Column("pseudo", "int", required=False, nullable=True),
    ),
)

FOLDS = Schema(
    "folds",
    (Column("video_id"), Column("fold", "int"), Column("group"), Column("protocol", required=False, nullable=True)),
)

EXTRACTED = Schema(
    "extracted",
    (Column("video_id"), Column("status"), Column("quality"), Column("path", nullable=True)),
)

OOF = Schema(
    "out-of-fold",
    (
        Column("video_id"),
        Column("label", "int"),
        Column("dataset"),
        Column("method"),
        Column("identity"),
        Column("group"),
        Column("fold", "int"),
        Column("stream"),
        Column("p", "float", nullable=True),
        Column("status"),
        Column("quality"),
    ),
)


JOINED = Schema(
    "joined out-of-fold",
    (
        Column("video_id"),
        Column("label", "int"),
        Column("dataset"),
        Column("method"),
        Column("identity"),
        Column("group"),
        Column("fold", "int"),
    ),
)
"""One row per video, all streams side by side: then come ``{stream}_p`` and ``{stream}_f00 …`` for each of them."""

_SCORE = "_p"


def embedding_columns(size: int) -> list[str]:
    """``f000 … f063`` for ``size`` 64."""
    return [f"f{i:03d}" for i in range(size)]


def score_column(stream: str) -> str:
    """The stream's scores in a joined table: ``rppg_p``."""
    return stream + _SCORE


def feature_columns(stream: str, size: int) -> list[str]:
    """The stream's embedding in a joined table: ``swin_tiny_f00 … swin_tiny_f63``."""
    return [f"{stream}_f{i:02d}" for i in range(size)]


def score_columns(table: pd.DataFrame) -> list[str]:
    """Names of all score columns of a joined table, in its order."""
    return [str(name) for name in table.columns if str(name).endswith(_SCORE)]


def stream_of(column: str) -> str | None:
    """Whose score or embedding a column of a joined table holds: ``swin_tiny_f07`` is ``swin_tiny``'s; None for others."""
    if column.endswith(_SCORE):
        return column.removesuffix(_SCORE)
    found = re.fullmatch(r"(.+)_f\d+", column)
    return found[1] if found else None


def input_columns(table: pd.DataFrame) -> list[str]:
    """Names of all score and embedding columns of a joined table, in its order."""
    return [str(name) for name in table.columns if stream_of(str(name)) is not None]


def member_name(fold: str) -> str:
    """Name of a fold's model in folders and tables: ``fold_3`` for ``fold 3``; ``refit``."""
    return fold.replace(" ", "_")


def rows(mask: pd.Series, most: int = 5) -> str:
    """Names the rows of a table where ``mask`` is true, as a reader of the CSV counts them: ``lines 3, 7 (2 in all)``."""
    lines = [int(i) + 2 for i in mask.reset_index(drop=True).index[mask.to_numpy()]]
    shown = ", ".join(map(str, lines[:most])) + (", …" if len(lines) > most else "")
    return f"line{'s' if len(lines) > 1 else ''} {shown} ({len(lines)} in all)"


def listed(names: Sequence[object], most: int = 5) -> str:
    """``a, b, c … (12 in all)``."""
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
