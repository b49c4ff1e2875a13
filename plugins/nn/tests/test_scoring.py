"""A clip's score is its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfake_core import Extracted
from deepfake_nn.network import ClipNetwork
from deepfake_nn.scoring import predict
from deepfake_nn.training.choice import WEIGHTS, save


@pytest.fixture
def model(quick, tmp_path):
    torch.manual_seed(0)
    (tmp_path / "model").mkdir()
    save(ClipNetwork(quick), tmp_path / "model" / WEIGHTS)
    return tmp_path / "model"


def test_views_are_averaged(quick, model, crops):
    clips = {"a": Extracted("a", crops("a", 1, 0))}
    plain = predict(ClipNetwork(quick), model, clips, quick)
    varied = predict(ClipNetwork(quick), model, clips, quick.model_copy(update={"tta": "frames"}))
    assert plain.p.shape == varied.p.shape == (1,)
    assert plain.embedding.shape == (1, 64)
    assert plain.p[0] != varied.p[0]
    assert plain.facts == ({},)


def test_of_several_faces_the_one_most_like_a_fake_counts(quick, model, crops):
    both = {"a": Extracted("a", crops("a", 1, 0, tracks=3))}
    settings = quick.model_copy(update={"faces": "all"})
    found = predict(ClipNetwork(quick), model, both, settings)
    # Track by track: the same pixels as clips of one face each.
    from deepfake_faces.crops import FaceCrops

    alone = []
    for track in range(3):
        crop = FaceCrops.load(both["a"].path)
        rows = crop.track == track
        columns = {name: getattr(crop, name)[rows] for name in ("pixels", "slot", "time_s", "box", "points", "confidence", "sharpness", "face_px", "outside", "interpolated")}  # fmt: skip
        folder = model.parent / f"track{track}"
        folder.mkdir()
        FaceCrops(sampled=crop.sampled, track=np.zeros(rows.sum(), np.intp), **columns).save(folder)
        alone.append(predict(ClipNetwork(quick), model, {"a": Extracted("a", folder)}, quick).p[0])
    assert found.p[0] == max(alone)
    assert found.facts == ({"track": int(np.argmax(alone))},)


def test_no_clips_give_no_scores(quick, model):
    found = predict(ClipNetwork(quick), model, {}, quick)
    assert found.video_id == () and found.p.shape == (0,)
