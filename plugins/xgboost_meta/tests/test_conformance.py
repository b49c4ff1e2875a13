"""Does the meta-classifier keep the contract?"""

from deepfake_core.testing import FuserConformance


class TestXgboostMeta(FuserConformance):
    name = "xgboost_meta"
    overrides = "trees=60"


class TestXgboostMetaOnScores(FuserConformance):
    name = "xgboost_meta"
    overrides = "trees=60,features=scores"
