"""The stream ``selfblend``: frames one by one, learnt from real videos and pseudo-fakes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deepfake_core import (
    Clips,
    Extracted,
    Fold,
    FoldModel,
    NoUsableVideo,
    RunLog,
    Store,
    VideoRecord,
    hookimpl,
)
from deepfake_core.contract.records import REAL
from deepfake_nn.presets import frames_demo, small
from deepfake_nn.settings import LearningSettings
from deepfake_nn.stream import FrameStream
from deepfake_selfblend.settings import BlendSettings, SelfBlendSettings

if TYPE_CHECKING:
    from torch import nn

    from deepfake_nn.augment import RecipeName
    from deepfake_selfblend.pairs import PairSet

PAPER = SelfBlendSettings(
    backbone="tf_efficientnet_b4",
    size=380,
    frames=8,
    masks=("face", "brows_down", "features", "eyes_nose"),
    strengths=(0.25, 0.5, 0.75, 1.0, 1.0, 1.0),
    base_compression=0.0,
    defocus=0.0,
    shift=0.03,
    zoom=0.05,
    colour=1.0,
    sharpness=0.5,
    resolution=0.5,
    compression=0.0,  # the recipe of augmentations has the paper's JPEG
    augmentation="standard",
    focal_gamma=0.0,  # cross-entropy
    focal_alpha=0.5,
    batch_size=16,
    passes=8,  # eight frames of each video
    progressive_frames=(1,),
    progressive_epochs=(100,),
    epochs=100,
    lr=1e-4,  # of AdamW; the paper's 1e-3 is of SGD with sharpness-aware minimisation
    weight_decay=0.0,
    schedule="cosine",
    patience=100,
    monitor="loss",
)
"""Blends, backbone, size, pairs per batch, frames per video and epochs as published; AdamW instead of SAM."""

SMALL = small(PAPER).model_copy(
    update={
        **{name: SelfBlendSettings.model_fields[name].default for name in (*BlendSettings.model_fields, "compression")},
        "augmentation": "none",
        "residual": 6.0,
        "contrast_stage": 3,
        "batch_size": 8,
        "passes": 4,
        "progressive_frames": (1,),
        "progressive_epochs": (20,),
        "epochs": 20,
        "frozen_epochs": 0,
        "lr": 3e-4,
        "backbone_lr_from": 1.0,
        "backbone_lr_to": 1.0,
        "swa_from": 10,
        "swa_lr": 1e-4,
        "patience": 20,
        "weight_decay": 1e-2,
    }
)
"""Half an EfficientNet-Lite0 on a laptop: residuals, compared between a face and its surroundings, which bear a compression more; why:
docs/no_deepfakes.md."""

DEMO = frames_demo(PAPER, passes=2)


class SelfBlend(FrameStream):
    """Self-blended images (Shiohara & Yamasaki, CVPR 2022, arXiv:2204.08376) on the toolkit's frame network."""

    name = "selfblend"
    summary = "faces: EfficientNet on frames, learnt from real videos and self-blended pseudo-fakes alone"
    presets: ClassVar = {"paper": PAPER, "small": SMALL, "demo": DEMO}
    settings = SelfBlendSettings
    real_only = True

    @hookimpl
    def extract(self, video: VideoRecord, settings: LearningSettings, store: Store) -> Extracted:
        """Face crops with their landmarks; of ``video.pseudo`` those of a pseudo-fake of it."""
        from deepfake_faces.crops import FaceCrops, view_facts
        from deepfake_selfblend.meshes import mesh_crops, pseudo_crops

        assert isinstance(settings, SelfBlendSettings)
        entry = (pseudo_crops if video.pseudo else mesh_crops)(video, settings, store)
        facts = view_facts(FaceCrops.load(entry.path), settings)
        return Extracted(video.video_id, entry.path, quality={**entry.facts, **facts})

    def network(self, settings: LearningSettings, *, pretrained: bool) -> nn.Module:
        """A ``ContrastNetwork``."""
        from deepfake_selfblend.network import ContrastNetwork

        assert isinstance(settings, SelfBlendSettings)
        return ContrastNetwork(settings, pretrained=pretrained)

    def clip_set(
        self, videos: Sequence[VideoRecord], clips: Clips, settings: LearningSettings, *, augmentation: RecipeName
    ) -> PairSet:
        """Real clips with their pseudo-fakes."""
        from deepfake_selfblend.pairs import PairSet

        assert isinstance(settings, SelfBlendSettings)
        return PairSet(videos, clips, settings, augmentation=augmentation)

    @hookimpl
    def train_fold(
        self, fold: Fold, clips: Clips, settings: LearningSettings, work_dir: Path, log: RunLog
    ) -> FoldModel:
        """Trains on the real videos, and chooses by those of the stop split; fakes have no part in either.

        Raises:
            NoUsableVideo: no real train video shows a face whose landmarks are found.
        """
        from deepfake_selfblend.figures import sheet

        assert isinstance(settings, SelfBlendSettings)
        train, stop = (_learnable(videos, clips, settings) for videos in (fold.train, fold.stop))
        if not train:
            raise NoUsableVideo(
                f"{self.name}: none of {sum(v.label == REAL for v in fold.train)} real train videos shows a face with "
                "landmarks.",
                hint="add real videos with a face that looks at the camera; pseudo-fakes are made of them.",
            )
        log.figure("pseudo_fakes", sheet(self.clip_set(train, clips, settings, augmentation="none"), seed=fold.seed))
        reals = replace(fold, train=train * settings.passes, stop=stop)
        model: FoldModel = super().train_fold(reals, clips, settings, work_dir, log)
        return model


def _learnable(videos: Sequence[VideoRecord], clips: Clips, settings: SelfBlendSettings) -> tuple[VideoRecord, ...]:
    """The real ones of which a pseudo-fake can be made."""
    from deepfake_faces.crops import FaceCrops
    from deepfake_selfblend.meshes import blendable, load_meshes

    def can(video: VideoRecord) -> bool:
        folder = clips[video.video_id].path
        return folder is not None and bool(len(blendable(FaceCrops.load(folder), load_meshes(folder), settings)))

    return tuple(video for video in videos if video.label == REAL and can(video))


stream = SelfBlend()
