"""Every setting of the rPPG stream, split by what it shapes: traces, features, classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepfake_core import Settings


class TraceSettings(Settings):
    """What shapes the traces; a change decodes every video again."""

    sampling: Literal["window", "spread60"] = Field(
        "window", description="contiguous frames at the native rate, or the published 60 frames over the whole clip"
    )
    window_s: float = Field(10.0, gt=0, description="longest stretch of video that is read, s")
    min_s: float = Field(6.0, gt=0, description="shortest usable stretch, s")
    min_fps: float = Field(8.0, ge=8.0, description="lowest usable frame rate, Hz: the pulse band ends at 4 Hz")
    good_fps: float = Field(20.0, ge=8.0, description="frame rate below which the quality says low_frame_rate, Hz")
    max_side: int = Field(640, ge=160, description="longest side of the working frame, pixels")


class FeatureSettings(TraceSettings):
    """What shapes the features; a change computes them again from the stored traces."""

    method: Literal["chrom", "pos", "green"] = Field("chrom", description="how a pulse is drawn from colour")


class RppgSettings(FeatureSettings):
    """What shapes the classifier. The defaults are the published values."""

    features: Literal["all", "physio"] = Field("all", description="physio drops the 26 proportions of the face")
    selector_trees: int = Field(250, ge=10, description="trees of the ExtraTrees feature selector")
    selector_threshold: float = Field(1.2, gt=0, description="keep features above this multiple of mean importance")
    selector_keep: int = Field(10, ge=1, description="features kept at least")
    rounds: int = Field(300, ge=1, description="boosting rounds of each base classifier")
    learning_rate: float = Field(0.02, gt=0, description="of each base classifier")
    depth: int = Field(3, ge=1, description="deepest tree of XGBoost and LightGBM")
    leaves: int = Field(8, ge=2, description="most leaves of a LightGBM tree")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows that each XGBoost and LightGBM tree sees")
    colsample: float = Field(0.8, gt=0, le=1, description="share of features that each XGBoost and LightGBM tree sees")
    reg_lambda: float = Field(10.0, ge=0, description="L2 penalty of XGBoost and LightGBM")
    reg_alpha: float = Field(1.0, ge=0, description="L1 penalty of XGBoost and LightGBM")
    hist_depth: int = Field(5, ge=1, description="deepest tree of HistGradientBoosting")
    hist_leaves: int = Field(15, ge=2, description="most leaves of a HistGradientBoosting tree")
    hist_l2: float = Field(5.0, ge=0, description="L2 penalty of HistGradientBoosting")
    inner_folds: int = Field(5, ge=2, description="identity-disjoint folds behind the stacking scores")
