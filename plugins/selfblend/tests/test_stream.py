"""It learns from reals alone, tells their pseudo-fakes, and makes pseudo-fakes to be measured by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepfake_core import Fold, NoUsableVideo, Store
from deepfake_core.contract.errors import InvalidSetting
from deepfake_core.plugins import load_stream
from deepfake_core.runlog import FileLog
from deepfake_faces.crops import FaceCrops
from deepfake_selfblend import meshes
from deepfake_selfblend.meshes import find_meshes, load_meshes
from deepfake_selfblend.plugin import stream


def train(fold: Fold, clips, settings, folder):
    folder.mkdir()
    return stream.train_fold(fold, clips, settings, folder, FileLog(folder / "log"))


def weights(model) -> bytes:
    return (model.dir / "weights.safetensors").read_bytes()


def test_it_says_that_reals_are_enough():
    assert load_stream("selfblend").info.real_only


def test_fakes_have_no_part(portraits, clips, quick, tmp_path):
    """Neither in train nor in stop, labelled so or made of a real one."""
    reals = tuple(video for video in portraits if video.label == 0)
    twins = tuple(replace(video, video_id=f"{video.video_id}~pseudo", label=1, pseudo=True) for video in reals)
    every = {**clips, **{twin.video_id: clips[real.video_id] for twin, real in zip(twins, reals, strict=True)}}
    folds = {
        "alone": Fold(0, reals[:3], reals[3:], 5),
        "among fakes": Fold(0, (*portraits[:6], *twins[:3]), (*portraits[6:], *twins[3:]), 5),
    }
    alone, among = (weights(train(fold, every, quick, tmp_path / name)) for name, fold in folds.items())
    assert alone == among


def test_each_training_shows_its_pseudo_fakes(portraits, clips, quick, tmp_path):
    train(Fold(0, tuple(portraits), (), 5), clips, quick, tmp_path / "w")
    assert (tmp_path / "w" / "log" / "figures" / "pseudo_fakes.png").stat().st_size > 20_000


def test_it_learns_to_tell_pseudo_fakes_of_someone_else(portraits, clips, quick, store, tmp_path):
    """Three people are learnt from; the fourth's pseudo-fakes, with seeds of their own, score above the film itself."""
    easy = {"masks": ("face",), "strengths": (1.0,), "blur": (0.0, 0.02), "resolution": 1.0, "resolution_from": 0.15}
    still = {"compression": 0.0, "epochs": 30, "passes": 4, "augmentation": "none"}
    settings = quick.model_copy(update={**easy, **still, "progressive_frames": (1,), "progressive_epochs": (30,)})
    reals = tuple(video for video in portraits if video.label == 0)
    model = train(Fold(0, reals[:3], (), 5), clips, settings, tmp_path / "w")
    pseudo = {}
    for number in range(4):
        other = settings.model_copy(update={"shift": 0.001 * number})
        pseudo[f"{number}"] = stream.extract(replace(reals[3], video_id=f"{number}", pseudo=True), other, store)
    real = stream.predict_oof(model, {"real": clips[reals[3].video_id]}, settings).p[0]
    assert (stream.predict_oof(model, pseudo, settings).p > real + 0.2).all()


def test_a_pseudo_fake_is_made_once_and_always_the_same(portraits, clips, quick, store, tmp_path):
    video = replace(portraits[0], video_id="twin", pseudo=True)
    one, again = (stream.extract(video, quick, store) for _ in range(2))
    other = stream.extract(video, quick, Store(tmp_path))
    assert one == again
    assert one.path != clips[portraits[0].video_id].path
    made, anew, real = (FaceCrops.load(clip.path) for clip in (one, other, clips[portraits[0].video_id]))
    assert np.array_equal(made.pixels, anew.pixels)
    assert np.array_equal(made.slot, real.slot)
    changed = (made.pixels != real.pixels).any(axis=3)
    points = load_meshes(clips[portraits[0].video_id].path)[..., :2]
    for frame, where in zip(changed, points, strict=True):
        ys, xs = np.nonzero(frame)
        assert len(xs) > 20
        assert (where.min(axis=0) - 2 <= (xs.min(), ys.min())).all()
        assert ((xs.max(), ys.max()) <= where.max(axis=0) + 2).all()


def test_training_settings_make_no_other_pseudo_fake(portraits, quick, store):
    video = replace(portraits[0], pseudo=True)
    slower, other = quick.model_copy(update={"lr": 1e-5}), quick.model_copy(update={"masks": ("mouth",)})
    paths = [stream.extract(video, settings, store).path for settings in (quick, slower, other)]
    assert paths[0] == paths[1] != paths[2]


def test_the_crops_are_those_that_all_streams_share(portraits, clips, quick, store):
    from deepfake_faces.crops import face_crops

    shared = face_crops(portraits[0], quick, store)
    own = clips[portraits[0].video_id]
    assert (own.path / "pixels.npy").samefile(shared.path / "pixels.npy")
    assert own.quality["mesh_missing"] == 0
    assert own.quality["content_hash"] == shared.facts["content_hash"]


def test_landmarks_are_in_pixels_of_the_crop(clips, portraits):
    """Those of the eyes, nose and mouth lie where the face detector has its five points."""
    folder = clips[portraits[0].video_id].path
    crops, points = FaceCrops.load(folder), load_meshes(folder)
    anchors = np.stack([points[:, [33, 133]].mean(axis=1), points[:, [362, 263]].mean(axis=1), points[:, 4]], axis=1)
    gap = np.linalg.norm(anchors[..., :2] - crops.points[:, :3], axis=2) / (crops.box[:, 2] - crops.box[:, 0])[:, None]
    assert gap.max() < 0.12


def test_a_mesh_outside_of_the_box_is_none(clips, portraits):
    crops = FaceCrops.load(clips[portraits[0].video_id].path)
    elsewhere = replace(crops, box=crops.box * [0.2, 0.2, 0.1, 0.1])
    assert np.isnan(find_meshes(elsewhere)).all()


@pytest.fixture
def blind(monkeypatch):
    """No frame shows landmarks."""
    monkeypatch.setattr(meshes, "find_meshes", lambda crops: np.full((len(crops.pixels), 468, 3), np.nan, np.float32))


def test_without_landmarks_a_clip_is_scored_but_not_learnt_from(portraits, clips, quick, tmp_path, blind):
    store = Store(tmp_path / "store")
    lost = stream.extract(portraits[0], quick, store)
    assert (lost.status, lost.quality["mesh_missing"]) == ("ok", lost.quality["frames"] * 4)
    with_it = {**clips, portraits[0].video_id: lost}
    reals = tuple(video for video in portraits if video.label == 0)
    folds = Fold(0, reals, (), 5), Fold(0, reals[1:], (), 5)
    one, other = (train(fold, with_it, quick, tmp_path / f"{n}") for n, fold in enumerate(folds))
    assert weights(one) == weights(other)
    assert 0 <= stream.predict_oof(one, {"lost": lost}, quick).p[0] <= 1


def test_without_landmarks_there_is_no_pseudo_fake(portraits, quick, tmp_path, blind):
    found = load_stream("selfblend").extract(replace(portraits[0], pseudo=True), quick, Store(tmp_path))
    assert found.status == "no_face"
    assert "landmarks" in found.quality["detail"]


def test_nothing_to_learn_from_is_said(portraits, clips, quick, tmp_path):
    fakes = tuple(video for video in portraits if video.label == 1)
    with pytest.raises(NoUsableVideo, match="selfblend: none of 0 real train videos"):
        train(Fold(0, fakes, (), 5), clips, quick, tmp_path / "w")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("mining_from=2", "no pseudo-fake comes twice"),
        ("masks=face,chin", "masks"),
        ("blur=0.1,0.02", "the lower first"),
        ("strengths=0,1", "strengths lie above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(override, says):
    with pytest.raises(InvalidSetting, match=says):
        load_stream("selfblend").settings("small", override)


def test_every_preset_is_valid_and_shares_the_crops():
    from deepfake_faces.settings import FaceSettings

    for preset in stream.presets.values():
        stream.settings(**{name: getattr(preset, name) for name in stream.settings.model_fields})
        assert preset.part(FaceSettings) == FaceSettings()


def test_masks_can_be_named_in_an_override():
    assert load_stream("selfblend").settings("small", "masks=face,mouth,passes=2").masks == ("face", "mouth")
