"""What is a neural stream? A name, presets, and, where it differs from the others, a network or a loss of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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
)
from deepfake_faces.settings import FaceSettings
from deepfake_nn.settings import FrameSettings, LearningSettings, TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from deepfake_nn.augment import RecipeName
    from deepfake_nn.clips import ClipSet

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
        real_only: whether it can learn from real videos alone; see ``StreamInfo``.
        window: frames to a point of the score over time that a report shows.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    presets: ClassVar[Mapping[str, LearningSettings]]
    settings: ClassVar[type[LearningSettings]] = TrainingSettings
    export_name: ClassVar[str | None] = None
    export_fold: ClassVar[bool] = False
    export_model: ClassVar[str | None] = None
    code_version: ClassVar[int] = 1
    real_only: ClassVar[bool] = False
    window: ClassVar[int] = 4

    def network(self, settings: LearningSettings, *, pretrained: bool) -> nn.Module:
        """The network: ``(frames [B, T, 3, H, W] in 0-1, mask [B, T] bool)`` to a ``HeadOutput``.

        Its attribute ``backbone`` is what ``frozen_epochs`` freezes and ``backbone_lr_*`` concern.

        Args:
            settings: what it is built of.
            pretrained: whether to start from ``settings.weights``; False when a trained state follows.
        """
        from deepfake_nn.network import ClipNetwork

        assert isinstance(settings, TrainingSettings)
        return ClipNetwork(settings, pretrained=pretrained)

    def auxiliary(self, settings: LearningSettings, train: Sequence[VideoRecord]) -> nn.Module | None:
        """A loss beside that of the logit, or None: ``(embedding [B, 64], position [B])`` to the weighted loss ``[B]``.

        ``position`` says which of ``train`` each clip is. Parameters of the loss learn with the head and survive
        an interruption, but aren't part of the model. It is asked about train clips only: nothing is chosen by it. Of a
        mixed clip it gets the mixed embedding and the position of the first.

        Args:
            settings: what it depends on.
            train: the videos that are trained on.
        """
        return None

    def clip_set(
        self, videos: Sequence[VideoRecord], clips: Clips, settings: LearningSettings, *, augmentation: RecipeName
    ) -> ClipSet:
        """The clips that training learns from, and those that an epoch is judged by.

        A set of its own may make other samples of a clip, or several, which then come in one batch
        (``ClipSet.samples``).

        Args:
            videos: labelled.
            clips: their extractions.
            settings: of the stream.
            augmentation: ``none`` for what is judged by.
        """
        from deepfake_nn.clips import ClipSet

        return ClipSet(videos, clips, settings, augmentation=augmentation)

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
            real_only=self.real_only,
        )

    @hookimpl
    def extract(self, video: VideoRecord, settings: LearningSettings, store: Store) -> Extracted:
        """Face crops, which all neural streams share, and what this stream's gates leave of them."""
        from deepfake_faces.crops import FaceCrops, face_crops, view_facts

        entry = face_crops(video, settings.part(FaceSettings), store)
        facts = view_facts(FaceCrops.load(entry.path), settings)
        return Extracted(video.video_id, entry.path, quality={**entry.facts, **facts})

    @hookimpl
    def train_fold(
        self, fold: Fold, clips: Clips, settings: LearningSettings, work_dir: Path, log: RunLog
    ) -> FoldModel:
        """Trains on the fold's train videos; the stop videos choose epoch and averaged weights."""
        from deepfake_nn.training.fit import fit

        model = fit(
            lambda: self.network(settings, pretrained=True),
            fold,
            clips,
            settings,
            work_dir,
            log,
            stream=self.name,
            make_auxiliary=lambda: self.auxiliary(settings, fold.train),
            make_clips=self.clip_set,
        )
        if self.export_model and fold.index is not None:
            from deepfake_nn.exports import export

            log.artifact(export(model, work_dir / self.export_model.format(fold=fold.index)))
        return FoldModel(model)

    @hookimpl
    def predict_oof(self, model: FoldModel, clips: Clips, settings: LearningSettings) -> Predictions:
        """Scores and embeddings, averaged over the test-time views."""
        from deepfake_nn.scoring import predict

        return predict(self.network(settings, pretrained=False), model.dir, clips, settings)

    @hookimpl
    def illustrate(self, model: FoldModel, clip: Extracted, settings: LearningSettings) -> Sequence[Panel]:
        """The faces with what the score rests on, and the score over time."""
        from deepfake_nn.illustrating import illustrate

        return illustrate(self.network(settings, pretrained=False), model.dir, clip, settings, window=self.window)


class FrameStream(TorchStream):
    """A stream that looks at frames one by one: each becomes a 64-d vector, their mean is the clip's.

    Like ``TorchStream``, with ``FrameSettings``.
    """

    settings: ClassVar[type[LearningSettings]] = FrameSettings
    window: ClassVar[int] = 1

    def network(self, settings: LearningSettings, *, pretrained: bool) -> nn.Module:
        """A ``FrameNetwork``."""
        from deepfake_nn.frames import FrameNetwork

        assert isinstance(settings, FrameSettings)
        return FrameNetwork(settings, pretrained=pretrained)
