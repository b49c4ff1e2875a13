"""The stream ``efficientnet_b4``: spatial features of 16 frames, a BiLSTM and self-attention over them."""

from __future__ import annotations

from deepfake_nn.presets import demo, small
from deepfake_nn.settings import TrainingSettings
from deepfake_nn.stream import TorchStream

PAPER = TrainingSettings(
    backbone="efficientnet_b4",
    drop_path=0.2,
    frames=16,
    size=224,
    margin=40 / (224 - 40),  # facenet-pytorch's "margin 40": of the 224 pixels, the box takes 184
    min_confidence=0.7,
    min_face_px=60,
    temporal_dropout=0.5,
    head=(256, 128),
    head_dropout=(0.5, 0.25),
    augmentation="standard",
    focal_gamma=2.0,
    focal_alpha=0.6,
    label_smoothing=0.1,
    lr=5e-5,
    weight_decay=5e-4,
    batch_size=2,
    accumulate=4,
    epochs=40,
    warmup=0.1,
    schedule="cosine",
    clip_norm=1.0,
    frozen_epochs=5,
    backbone_lr_from=0.01,
    backbone_lr_to=0.1,
    backbone_ramp=3,
    swa_from=30,
    swa_lr=5e-5,
    mixup=1.0,
    mix_probability=0.3,
    patience=25,
    monitor="auc",
    tta="efficientnet",
)
"""The published values."""


class EfficientNetB4(TorchStream):
    """EfficientNet-B4 (Tan & Le, ICML 2019, arXiv:1905.11946) under a BiLSTM with self-attention."""

    name = "efficientnet_b4"
    summary = "faces: EfficientNet-B4 on 16 frames, BiLSTM, self-attention"
    presets = {"paper": PAPER, "small": small(PAPER), "demo": demo(PAPER)}
    export_name = "cnn_predictions.csv"
    export_model = "best_cnn_model_fold{fold}.pth"


stream = EfficientNetB4()
