"""What is a neural stream? A name, presets, and, where it differs from the others, a network of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deepfake_core import (
    Clips,
    Extracted,
    Fold,
    FoldModel,
    Predictions,
    RunLog,
    Store,
    StreamInfo,
    VideoRecord,
    hookimpl,
)
from deepfake_faces.settings import FaceSettings
from deepfake_nn.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

EMBEDDING = 64


class TorchStream:
    """The hooks of a neural stream; an instance of a subclass is what the entry point names.

    Example::

        class MyEncoder(TorchStream):
            name = "my_encoder"
            summary = "what it looks at"
            presets = {"paper": TrainingSettings(backbone="resnet18", ...), "demo": TrainingSettings(...)}

        stream = MyEncoder()

    Attributes:
        name: the entry-point name.
        summary: one line for ``plugins list``.
        presets: settings by name.
        settings: class of the settings.
        export_name: file name of the prediction CSV under the published system's name, with score column ``P_CNN``.
        export_fold: whether that CSV has a column ``fold``.
        export_model: file name of a fold's exported weights, with ``{fold}`` in it.
        code_version: raise it when the same settings train another network.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    presets: ClassVar[Mapping[str, TrainingSettings]]
    settings: ClassVar[type[TrainingSettings]] = TrainingSettings
    export_name: ClassVar[str | None] = None
    export_fold: ClassVar[bool] = False
    export_model: ClassVar[str | None] = None
    code_version: ClassVar[int] = 1

    def network(self, settings: TrainingSettings, *, pretrained: bool) -> nn.Module:
        """The network: ``(frames [B, T, 3, H, W] in 0-1, mask [B, T] bool)`` to a ``HeadOutput``.

        Its attribute ``backbone`` is what ``frozen_epochs`` freezes and ``backbone_lr_*`` concern.

        Args:
            settings: what it is built of.
            pretrained: whether to start from ``settings.weights``; False when a trained state follows.
        """
        from deepfake_nn.network import ClipNetwork

        return ClipNetwork(settings, pretrained=pretrained)

    @hookimpl
    def stream_info(self) -> StreamInfo:
        """Name, presets, and a 64-d embedding."""
        return StreamInfo(
            name=self.name,
            settings=self.settings,
            presets=self.presets,
            summary=self.summary,
            embedding_size=EMBEDDING,
            export_name=self.export_name,
            export_column="P_CNN",
            export_fold=self.export_fold,
            code_version=self.code_version,
        )

    @hookimpl
    def extract(self, video: VideoRecord, settings: TrainingSettings, store: Store) -> Extracted:
        """Face crops, which all neural streams share, and what this stream's gates leave of them."""
        from deepfake_faces.crops import FaceCrops, face_crops, view_facts

        entry = face_crops(video, settings.part(FaceSettings), store)
        facts = view_facts(FaceCrops.load(entry.path), settings)
        return Extracted(video.video_id, entry.path, quality={**entry.facts, **facts})

    @hookimpl
    def train_fold(
        self, fold: Fold, clips: Clips, settings: TrainingSettings, work_dir: Path, log: RunLog
    ) -> FoldModel:
        """Trains on the fold's train videos; the stop videos choose epoch and averaged weights."""
        from deepfake_nn.training.fit import fit

        model = fit(
            lambda: self.network(settings, pretrained=True), fold, clips, settings, work_dir, log, stream=self.name
        )
        if self.export_model and fold.index is not None:
            from deepfake_nn.exports import export

            log.artifact(export(model, work_dir / self.export_model.format(fold=fold.index)))
        return FoldModel(model)

    @hookimpl
    def predict_oof(self, model: FoldModel, clips: Clips, settings: TrainingSettings) -> Predictions:
        """Scores and embeddings, averaged over the test-time views."""
        from deepfake_nn.scoring import predict

        return predict(self.network(settings, pretrained=False), model.dir, clips, settings)
