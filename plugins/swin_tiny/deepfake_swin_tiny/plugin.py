"""The stream ``swin_tiny``: shifted-window attention on upright faces, and DCT statistics."""

from __future__ import annotations

from deepfake_nn.presets import demo, small
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.stream import TorchStream

PAPER = TrainingSettings(
    backbone="swin_tiny_patch4_window7_224",
    drop_path=0.2,
    frames=16,
    size=224,
    upright_above_deg=2.0,
    min_confidence=0.9,
    min_sharpness=20.0,
    channel_attention=True,
    projection=512,
    temporal_dropout=0.3,
    frequency=192,
    head=(192, 96),
    head_dropout=(0.3, 0.15),
    augmentation="strong",
    progressive_frames=(5, 10),
    progressive_epochs=(5, 15),
    focal_gamma=2.0,
    focal_alpha=0.5,
    label_smoothing=0.08,
    lr=1e-4,
    weight_decay=1e-2,
    decay_norms=False,
    batch_size=2,
    accumulate=4,
    epochs=40,
    warmup=0.1,
    schedule="constant",
    frozen_epochs=5,
    backbone_lr_from=0.01,
    backbone_lr_to=0.1,
    backbone_ramp=3,
    swa_from=15,
    swa_lr=1e-5,
    swa_anneal=5,
    mixup=0.4,
    mix_from=10,
    patience=10,
    monitor="auc",
    tta="frames",
)
"""The published values."""


class SwinTiny(TorchStream):
    """Swin-Tiny (Liu et al., ICCV 2021, arXiv:2103.14030) with ECA, beside it DCT statistics."""

    name = "swin_tiny"
    summary = "faces: Swin-Tiny and DCT statistics on 16 upright frames, ECA, BiLSTM, self-attention"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": demo(PAPER)}
    export_name = "cnn_predictions_swin_oof_MASTER.csv"
    export_fold = True
    export_model = "swa_model_swin_fold{fold}.pth"


stream = SwinTiny()
