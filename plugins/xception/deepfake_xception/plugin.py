"""The stream ``xception``: upright faces, channel attention, and a parallel branch that looks at frequencies."""

from __future__ import annotations

from deepfake_nn.presets import demo, small
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.stream import TorchStream

PAPER = TrainingSettings(
    backbone="legacy_xception",
    frames=16,
    size=299,
    upright_above_deg=2.0,
    min_confidence=0.9,
    min_sharpness=20.0,
    channel_attention=True,
    projection=512,
    temporal_dropout=0.3,
    frequency=256,
    frequency_residuals=True,
    head=(256, 128),
    head_dropout=(0.3, 0.15),
    augmentation="strong",
    focal_gamma=2.0,
    focal_alpha=None,
    label_smoothing=0.05,
    lr=1e-4,
    weight_decay=1e-2,
    batch_size=2,
    accumulate=8,
    epochs=40,
    schedule="cosine",
    frozen_epochs=5,
    backbone_lr_from=0.01,
    backbone_lr_to=0.1,
    backbone_ramp=3,
    swa_from=15,
    swa_lr=5e-5,
    mixup=0.2,
    cutmix=1.0,
    mix_from=10,
    mining_from=10,
    mining_every=5,
    patience=25,
    monitor="both",
    tta="frames",
)
"""The published values."""


class Xception(TorchStream):
    """Xception (Chollet, CVPR 2017, arXiv:1610.02357) with ECA, beside it DCT and residual statistics."""

    name = "xception"
    summary = "faces: Xception and a frequency branch on 16 upright frames, ECA, BiLSTM, self-attention"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": demo(PAPER)}
    export_name = "cnn_predictions.csv"
    export_model = "best_cnn_model_fold{fold}.pth"


stream = Xception()
