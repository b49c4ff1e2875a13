"""The fuser ``xgboost_meta`` and the ensemble ``metaclassifier``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from deepfake_core import Ensemble, FusedModel, FuserInfo, Settings, hookimpl
from deepfake_core.contract.tables import input_columns, score_columns

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class MetaSettings(Settings):
    """Settings of the meta-classifier; the defaults are the published ones."""

    features: Literal["all", "scores"] = Field(
        "all", description="scores and embeddings of the streams, or scores only"
    )
    trees: int = Field(800, ge=1, description="number of trees")
    depth: int = Field(7, ge=1, description="most splits between a tree's root and a leaf")
    learning_rate: float = Field(0.05, gt=0, le=1, description="what share of each tree's step is taken")
    threads: int = Field(
        1, ge=1, description="threads of a fit; more give the same model, sooner on an idle machine only"
    )


METACLASSIFIER = Ensemble(
    ("resnet50", "xception_frames", "arcface_lite", "emotionnet_lite"),
    "four encoders with an embedding each, and xgboost_meta on top",
    fuser="xgboost_meta",
)
"""The two-layer system."""


@hookimpl
def fuser_info() -> FuserInfo:
    """Name and settings."""
    return FuserInfo(
        name="xgboost_meta",
        settings=MetaSettings,
        presets={"paper": MetaSettings()},
        summary="gradient-boosted trees on scores and embeddings",
        needs_embeddings=True,
    )


@hookimpl
def fuse(oof: pd.DataFrame, settings: MetaSettings, work_dir: Path, seed: int) -> FusedModel:
    """Fits the trees."""
    from deepfake_xgboost_meta.trees import Trees

    columns = input_columns(oof) if settings.features == "all" else score_columns(oof)
    Trees.fit(oof, columns, settings, seed).write(work_dir)
    return FusedModel(work_dir)


@hookimpl
def predict_fused(model: FusedModel, table: pd.DataFrame) -> NDArray[np.float64]:
    """The trees' probability."""
    from deepfake_xgboost_meta.trees import Trees

    return Trees.read(model.dir).predict(table)


@hookimpl
def explain(model: FusedModel, table: pd.DataFrame) -> pd.DataFrame:
    """Shapley values of the columns, in log odds."""
    from deepfake_xgboost_meta.trees import Trees

    return Trees.read(model.dir).explain(table)
