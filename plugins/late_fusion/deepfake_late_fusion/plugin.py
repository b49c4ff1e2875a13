"""The fusers ``mean``, ``auc_weighted``, ``rank_mean``, ``logistic``, ``simplex``, and the ensemble ``fourstream``."""

from __future__ import annotations

from deepfake_core import Ensemble
from deepfake_late_fusion.ranks import RankMean
from deepfake_late_fusion.regression import Logistic
from deepfake_late_fusion.weighted import AucWeighted, Mean, Simplex

mean = Mean()
auc_weighted = AucWeighted()
rank_mean = RankMean()
logistic = Logistic()
simplex = Simplex()

FOURSTREAM = Ensemble(
    ("rppg", "efficientnet_b4", "xception", "swin_tiny"), "pulse, two convolutional networks and a transformer"
)
"""The four-stream system."""
