"""The detector as a folder: what it carries, what it says, what it refuses to load."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

from deepfake_core import workspace
from deepfake_core.contract.errors import BrokenPlugin, InvalidTable, UnknownPlugin, UsageError
from deepfake_core.contract.promises import UNSAFE_SUFFIXES
from deepfake_core.contract.records import VideoRecord
from deepfake_core.detector.detector import Detector
from deepfake_core.detector.manifest import MANIFEST_FILE, Manifest
from deepfake_core.plugins import Stream
from deepfake_core.steps.predict import extracted


def verdicts(detector, *numbers, **options):
    """What a detector says of toy files with these numbers."""
    folder = workspace.home()
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for place, number in enumerate(numbers):
        path = folder / f"new_{place}.mp4"
        path.write_text(str(number))
        records.append(VideoRecord(f"v{place}", path))
    extracts = extracted(detector, records, workspace.store(), workers="1", **options)
    names = {record.video_id: f"video {number}" for record, number in zip(records, numbers, strict=True)}
    return detector.judge(detector.rows(extracts), extracts, names)


def test_the_folder_holds_all_of_it_and_nothing_that_unpickles(made):
    files = {path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*") if path.is_file()}
    for stream in ("toy", "blurry"):
        assert {f"streams/{stream}/fold_{k}/model.json" for k in range(5)} <= files
    assert {"detector.json", "fuser/model.json", "leakage_certificate.json", "fused.parquet"} <= files
    assert {"model_card.md", "references.json"} <= files
    assert not [name for name in files if any(name.endswith(suffix) for suffix in UNSAFE_SUFFIXES)]


def test_a_high_number_is_a_fake_and_a_low_one_is_real(detector):
    low, middle, high = verdicts(detector, -0.5, 0.7, 1.9)
    assert low.probability < middle.probability < high.probability
    assert (low.answer, high.answer) == ("real", "fake")
    assert low.video == "video -0.5" and low.error is None and not low.reasons


def test_the_probability_is_the_calibrated_mean_over_the_members(detector):
    """Recomputed from the parts: each fold's own threshold, the fuser on each row, the mean, the calibrator."""
    found = verdicts(detector, 0.7)[0]
    fused = []
    for member in range(5):
        row = {"video_id": "x"}
        for members in detector.streams:
            model = members.models[f"fold_{member}"].dir / "model.json"
            threshold = json.loads(model.read_text())["threshold"]
            row[f"{members.stream.name}_p"] = 1 / (1 + np.exp(-(0.7 - threshold) / members.settings.width))
        fuser = detector.fusion.candidate.fuser
        fused += list(fuser.predict(detector.fusion.model, pd.DataFrame([row]), detector.fusion.candidate.settings))
    assert found.probability == pytest.approx(float(detector.calibrator(np.mean(fused))), abs=1e-12)
    assert found.low < found.probability < found.high
    opinion = found.opinions[0]
    assert (opinion.stream, opinion.status, opinion.quality["number"]) == ("toy", "ok", 0.7)


def test_shares_tell_which_stream_moved_the_score(detector):
    low, high = verdicts(detector, -0.5, 1.9)
    for place in range(2):
        assert low.opinions[place].share < high.opinions[place].share


def test_videos_among_others_get_what_they_get_alone(detector):
    together = verdicts(detector, 0.2, 0.7, 1.1)
    alone = [verdicts(detector, number)[0] for number in (0.2, 0.7, 1.1)]
    assert [each.probability for each in together] == [each.probability for each in alone]


def test_twenty_videos_load_each_model_once(detector, monkeypatch):
    loaded = []
    original = Stream.predict_oof

    def counted(self, model, clips, settings):
        loaded.append(model.dir)
        return original(self, model, clips, settings)

    monkeypatch.setattr(Stream, "predict_oof", counted)
    assert len(verdicts(detector, *np.linspace(0, 1.4, 20))) == 20
    assert len(loaded) == len(set(loaded)) == 2 * 5


def test_a_stream_that_abstains_makes_it_inconclusive_but_not_silent(detector):
    """The detector was made with ``missing=drop``: what fewer streams are worth was never measured."""
    found = verdicts(detector, 1.9, streams=["toy"])[0]
    assert found.answer == "inconclusive" and found.probability > 0.5
    assert found.reasons[0] == "blurry wasn't asked"
    assert found.opinions[1].p is None and found.opinions[1].share == 0


def test_without_any_face_there_is_no_probability(detector):
    found = verdicts(detector, "no face")[0]
    assert (found.answer, found.probability, found.error) == ("inconclusive", None, None)
    assert [reason.partition(" (")[0] for reason in found.reasons] == [
        f"{name} saw no face in enough frames" for name in ("toy", "blurry")
    ]


def test_a_broken_file_is_an_error_of_its_own(detector):
    broken, good = verdicts(detector, "rubbish", 1.9)
    assert broken.error.startswith("decode_error") and broken.probability is None
    assert good.answer == "fake"


def test_a_stream_that_it_hasnt_is_refused(detector):
    with pytest.raises(UsageError, match="no stream rppg"):
        verdicts(detector, 1.0, streams=["rppg"])


def changed(folder, tmp_path, **fields):
    """A copy of a detector with another manifest."""
    shutil.copytree(folder, tmp_path / "copy")
    content = json.loads((folder / MANIFEST_FILE).read_text()) | fields
    (tmp_path / "copy" / MANIFEST_FILE).write_text(json.dumps(content))
    return tmp_path / "copy"


def test_a_missing_plugin_is_named_with_what_to_install(made, tmp_path):
    part = json.loads((made.folder / MANIFEST_FILE).read_text())["fuser"]
    folder = changed(made.folder, tmp_path, fuser={**part, "name": "gone", "distribution": "deepfake-gone"})
    with pytest.raises(UnknownPlugin, match="'gone' of deepfake-gone") as caught:
        Detector.load(folder)
    assert f"pip install 'deepfake-gone=={part['version']}'" in caught.value.hint


def test_another_major_version_is_refused(made, tmp_path):
    streams = json.loads((made.folder / MANIFEST_FILE).read_text())["streams"]
    streams[0]["version"] = "2.0"
    folder = changed(made.folder, tmp_path, streams=streams)
    with pytest.raises(BrokenPlugin, match=r"made with 'toy' of deepfake-toys 2\.0; installed is deepfake-toys 1\.0"):
        Detector.load(folder)


def test_what_is_no_detector_is_refused(tmp_path, made):
    with pytest.raises(InvalidTable, match="no detector that this version can read"):
        Detector.load(tmp_path)
    with pytest.raises(InvalidTable, match="format"):
        Detector.load(changed(made.folder, tmp_path, format=99))


def test_a_planted_pickle_is_never_loaded(made, tmp_path, monkeypatch):
    """Whatever lies in the folder under whatever name, loading and asking a detector unpickles nothing."""
    shutil.copytree(made.folder, tmp_path / "copy")

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    bomb = pickle.dumps(Trap())
    for folder in [path for path in (tmp_path / "copy").rglob("*") if path.is_dir()]:
        for name in ("model.pkl", "python_model.pkl", "model.joblib", "weights.pth"):
            (folder / name).write_bytes(bomb)
    monkeypatch.setattr(pickle, "load", lambda *_: pytest.fail("unpickled"))
    found = verdicts(Detector.load(tmp_path / "copy"), 1.9)[0]
    assert found.answer == "fake" and not (tmp_path / "sprung").exists()


def test_the_manifest_survives_its_file(made, tmp_path):
    manifest = Manifest.read(made.folder)
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert manifest.trained_on.videos == 40 and manifest.trained_on.people == 20
    assert manifest.inference == "folds" and manifest.fuser.name == "logistic"
