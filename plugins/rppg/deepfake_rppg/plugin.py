"""The stream ``rppg``: does the face carry a heartbeat, and does it look like one person's?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core import (
    Clips,
    Extracted,
    Fold,
    FoldModel,
    Panel,
    Predictions,
    RunLog,
    Store,
    StreamInfo,
    VideoRecord,
    hookimpl,
    inner_folds,
)
from deepfake_rppg.settings import FeatureSettings, RppgSettings, TraceSettings

if TYPE_CHECKING:
    import pandas as pd

TRACES_VERSION = 1
FEATURES_VERSION = 2
"""Raised when the code gives other traces, or other features, from the same settings."""

FIGURE_CLIPS = 4


@hookimpl
def stream_info() -> StreamInfo:
    """Pulse features and image frequencies of one face, and a stack of three boosted classifiers."""
    return StreamInfo(
        name="rppg",
        settings=RppgSettings,
        presets={"paper": RppgSettings(), "demo": RppgSettings(rounds=100, learning_rate=0.06)},
        summary="pulse: FaceMesh, CHROM, 117 + 64 features, stacked XGBoost + LightGBM + HistGradientBoosting",
        export_name="rppg_predictions.csv",
        export_column="P_rPPG",
        parallel_folds=True,
    )


@hookimpl
def extract(video: VideoRecord, settings: RppgSettings, store: Store) -> Extracted:
    """Video to traces, traces to features; each kept, so that another pulse method needs no second decode."""
    from deepfake_rppg import clip
    from deepfake_rppg.extract import trace
    from deepfake_rppg.traces import Traces

    trace_settings = settings.part(TraceSettings)
    traces = store.video_entry(
        video,
        extractor="rppg-traces",
        version=TRACES_VERSION,
        settings=trace_settings,
        make=lambda folder: trace(video.path, trace_settings, folder),
    )
    feature_settings = settings.part(FeatureSettings)
    features = store.video_entry(
        video,
        extractor="rppg-features",
        version=FEATURES_VERSION,
        settings=feature_settings,
        make=lambda folder: clip.make(Traces.load(traces.path), feature_settings, folder),
    )
    return Extracted(video.video_id, features.path, quality={**traces.facts, **features.facts})


@hookimpl
def train_fold(fold: Fold, clips: Clips, settings: RppgSettings, work_dir: Path, log: RunLog) -> FoldModel:
    """Fits the stack on train and stop videos alike: nothing here is stopped early."""
    from sklearn.metrics import roc_auc_score

    from deepfake_rppg import classifier, exports, figures

    videos = (*fold.train, *fold.stop)
    labels = [video.label for video in videos]
    features = _table({video.video_id: clips[video.video_id] for video in videos}, settings)
    splits = inner_folds(videos, count=settings.inner_folds, seed=fold.seed)
    model = classifier.fit(features, labels, splits, settings=settings, seed=fold.seed)
    folder = work_dir / "model"
    model.save(folder)

    importance = model.importance().sort_values(ascending=False)
    log.metric("selected_features", float((importance > 0).sum()))
    log.metric("train_auc", float(roc_auc_score(labels, model.predict(features))))
    log.figure("feature_importance", figures.importance(importance))
    log.figure("pulse_traces", figures.pulses([(v, clips[v.video_id]) for v in _four(videos)]))
    if fold.index is None:
        exported = work_dir / "exports"
        exported.mkdir(exist_ok=True)
        exports.export(model, exported)
        for path in sorted(exported.iterdir()):
            log.artifact(path)
    return FoldModel(folder)


@hookimpl
def predict_oof(model: FoldModel, clips: Clips, settings: RppgSettings) -> Predictions:
    """P(fake) of each clip's features."""
    from deepfake_rppg.classifier import StackingModel

    return Predictions(tuple(clips), StackingModel.load(model.dir).predict(_table(clips, settings)))


@hookimpl
def illustrate(clip: Extracted) -> Sequence[Panel]:
    """The pulse by region, and its course over the clip."""
    from deepfake_rppg import illustrating

    return illustrating.illustrate(clip)


def _table(clips: Clips, settings: RppgSettings) -> pd.DataFrame:
    """Features of the clips, one row each; without the face's proportions for ``features=physio``."""
    import pandas as pd

    from deepfake_rppg import clip
    from deepfake_rppg.features import GEOMETRY

    table = pd.DataFrame.from_dict(
        {video_id: clip.load_features(item.path) for video_id, item in clips.items() if item.path}, orient="index"
    )
    return table.drop(columns=list(GEOMETRY)) if settings.features == "physio" else table


def _four(videos: tuple[VideoRecord, ...]) -> list[VideoRecord]:
    """Two reals and two fakes, the first of each."""
    half = FIGURE_CLIPS // 2
    return [video for label in (0, 1) for video in [v for v in videos if v.label == label][:half]]
