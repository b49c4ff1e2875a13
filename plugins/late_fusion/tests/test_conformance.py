"""Do the five fusers keep the contract?"""

from deepfake_core.testing import FuserConformance


class TestMean(FuserConformance):
    name = "mean"


class TestAucWeighted(FuserConformance):
    name = "auc_weighted"


class TestRankMean(FuserConformance):
    name = "rank_mean"


class TestLogistic(FuserConformance):
    name = "logistic"


class TestSimplex(FuserConformance):
    name = "simplex"
