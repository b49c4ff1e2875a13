"""Training learns, chooses by the stop split alone, and an interruption leaves no trace."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from deepfake_core.runlog import FileLog, metrics
from deepfake_nn.identities import IdentityLoss
from deepfake_nn.network import ClipNetwork
from deepfake_nn.scoring import predict
from deepfake_nn.settings import FrameSettings, TrainingSettings
from deepfake_nn.stream import FrameStream
from deepfake_nn.training.choice import Choice
from deepfake_nn.training.evaluation import Judgement, refresh_batch_norm
from deepfake_nn.training.fit import fit
from deepfake_nn.training.module import TrainingDiverged
from deepfake_nn.training.resume import CHECKPOINT, TimeBudgetSpent


def train(stripes, settings: TrainingSettings, folder: Path, *, fold=None, network=ClipNetwork) -> Path:
    given, clips = stripes
    folder.mkdir(exist_ok=True)
    return fit(
        lambda: network(settings), fold or given, clips, settings, folder, FileLog(folder / "log"), stream="test"
    )


def card(model: Path) -> dict:
    return json.loads((model / "model.json").read_text())


EVERYTHING = {
    "epochs": 5,
    "swa_from": 2,
    "mixup": 0.4,
    "cutmix": 1.0,
    "mix_from": 1,
    "mining_from": 2,
    "mining_every": 2,
    "accumulate": 2,
    "batch_size": 2,
    "frozen_epochs": 1,
    "backbone_lr_from": 0.1,
    "backbone_lr_to": 0.5,
    "backbone_ramp": 2,
    "progressive_frames": (3,),
    "progressive_epochs": (2,),
    "warmup": 0.1,
    "decay_norms": False,
}


@pytest.fixture
def everything(quick: TrainingSettings) -> TrainingSettings:
    """All that training can do, at once."""
    return quick.model_copy(update=EVERYTHING)


def test_it_learns_what_can_be_learnt(stripes, quick, tmp_path):
    settings = quick.model_copy(update={"epochs": 8, "augmentation": "none"})
    model = train(stripes, settings, tmp_path / "w")
    fold, clips = stripes
    held = predict(ClipNetwork(settings), model, {v.video_id: clips[v.video_id] for v in fold.stop}, settings)
    score = dict(zip(held.video_id, held.p, strict=True))
    reals, fakes = ([score[v.video_id] for v in fold.stop if v.label == label] for label in (0, 1))
    assert max(reals) < min(fakes)
    assert card(model)["auc"] == 1.0


def test_each_epoch_is_reported(stripes, everything, tmp_path):
    train(stripes, everything, tmp_path / "w")
    found = {(m.name, m.step): m.value for m in metrics(tmp_path / "w" / "log")}
    names = {"train_loss", "stop_loss", "stop_auc", "lr", "lr_backbone", "clips_per_second", "data_wait"}
    assert set(found) == {(name, epoch) for name in names for epoch in range(5)}
    assert found["lr_backbone", 0] == 0 < found["lr_backbone", 1]
    assert 0 < found["train_loss", 0] < 1
    assert (tmp_path / "w" / "log" / "figures" / "learning_curves.png").stat().st_size > 5000


def test_train_loss_is_that_of_the_batches(stripes, quick, tmp_path):
    """With gathered gradients as without: it is a mean over clips, not over steps."""
    still = quick.model_copy(update={"epochs": 1, "lr": 1e-12, "warmup": 0.9, "augmentation": "none", "batch_size": 2})
    found = []
    for accumulate in (1, 3):
        folder = tmp_path / str(accumulate)
        train(stripes, still.model_copy(update={"accumulate": accumulate}), folder)
        found += [m.value for m in metrics(folder / "log") if m.name == "train_loss"]
    assert found[0] == pytest.approx(found[1], rel=0.02)


def test_stopped_again_and_again_it_ends_the_same(stripes, everything, tmp_path):
    """A time budget that is always spent stops after every optimiser step, in the middle of epochs."""
    whole = train(stripes, everything, tmp_path / "whole")
    hurried = everything.model_copy(update={"max_minutes": 1e-9})
    assert hurried.digest == everything.digest, "the budget is no part of the result"
    stops = 0
    while True:
        try:
            pieced = train(stripes, hurried, tmp_path / "pieced")
            break
        except TimeBudgetSpent as error:
            assert "run the same command again" in error.hint
            assert (tmp_path / "pieced" / CHECKPOINT).exists()
            stops += 1
    assert stops > 5
    assert card(pieced) == card(whole)
    assert (pieced / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    curves = [{(m.name, m.step): m.value for m in metrics(tmp_path / w / "log") if m.name.endswith("loss")} for w in ("whole", "pieced")]  # fmt: skip
    assert curves[0] == pytest.approx(curves[1])
    assert not (tmp_path / "pieced" / CHECKPOINT).exists(), "a finished training leaves its model only"


def test_a_loss_that_is_no_number_stops_the_fold_by_name(stripes, quick, tmp_path):
    class Breaking(ClipNetwork):
        steps = 0

        def forward(self, frames, mask):
            output = super().forward(frames, mask)
            type(self).steps += self.training
            return output._replace(logit=output.logit * math.nan) if type(self).steps > 4 else output

    with pytest.raises(TrainingDiverged, match=r"test, fold 0: the loss became nan in epoch 1, batch 1"):
        train(stripes, quick, tmp_path / "w", network=Breaking)
    kept = torch.load(tmp_path / "w" / CHECKPOINT, weights_only=True)
    assert kept["epoch"] == 0
    assert all(value.isfinite().all() for value in kept["state_dict"].values())


def test_without_stop_videos_the_last_weights_are_taken(stripes, quick, tmp_path):
    fold = replace(stripes[0], stop=())
    assert card(train(stripes, quick, tmp_path / "last", fold=fold)) == {"chosen": "last", "epochs": 3}
    averaged = quick.model_copy(update={"swa_from": 1})
    assert card(train(stripes, averaged, tmp_path / "swa", fold=fold)) == {"chosen": "swa", "epochs": 3}


def test_a_stop_split_of_one_class_judges_by_loss(stripes, quick, tmp_path):
    fold = stripes[0]
    fold = replace(fold, stop=tuple(video for video in fold.stop if video.label == 0))
    found = card(train(stripes, quick, tmp_path / "w", fold=fold))
    assert found["chosen"] == "best" and math.isnan(found["auc"])
    history = {m.step: m.value for m in metrics(tmp_path / "w" / "log") if m.name == "stop_loss"}
    assert found["epoch"] == min(history, key=history.get)


def test_patience_ends_a_training_that_no_longer_improves(stripes, quick, tmp_path):
    still = quick.model_copy(update={"lr": 1e-12, "epochs": 9, "patience": 2, "monitor": "auc", "augmentation": "none"})
    found = card(train(stripes, still, tmp_path / "w"))
    assert found["epochs"] <= 5


def test_averaged_batch_norm_is_that_of_the_clips(stripes, quick, tmp_path):
    """A refreshed norm has the mean and variance of what really goes through it."""
    averaged = quick.model_copy(update={"swa_from": 0, "epochs": 2, "augmentation": "none"})
    fold = replace(stripes[0], stop=())
    model = train(stripes, averaged, tmp_path / "w", fold=fold)
    network = ClipNetwork(averaged)
    network.load_state_dict(load_file(model / "weights.safetensors"))
    first = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen = []
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean(dim=(0, 2, 3))))
    clips = {v.video_id: stripes[1][v.video_id] for v in fold.train}
    predict(network, model, clips, averaged)
    torch.testing.assert_close(torch.stack(seen).mean(dim=0), first.running_mean, atol=1e-4, rtol=1e-3)


def test_networks_without_batch_norm_need_no_refresh():
    refresh_batch_norm(None, torch.nn.Linear(2, 2), iter(()))


def test_errors_of_the_judgement_are_the_published_ones():
    """Hanley & McNeil 1982: the AUC 0.893 of their 51 abnormal and 58 normal images has a standard error of 0.032."""
    label = torch.tensor([1.0] * 51 + [0.0] * 58)
    found = Judgement(torch.tensor([1.0, 3.0]).repeat(54), label, 0.893)
    assert found.auc_error == pytest.approx(0.032, abs=0.001)
    assert found.loss_error == pytest.approx(1 / math.sqrt(108))


def test_averaged_weights_win_unless_they_are_clearly_worse(tmp_path):
    choice = Choice(tmp_path, tmp_path, stop=None, train=lambda: [], averaging=None, patience=1, monitor="auc")
    best = {"auc": 0.9, "auc_error": 0.05, "loss": 0.3, "loss_error": 0.1}
    assert choice._as_good({**best, "auc": 0.86}, best)
    assert not choice._as_good({**best, "auc": 0.84}, best)
    assert choice._as_good({**best, "auc": math.nan, "loss": 0.39}, best)
    assert not choice._as_good({**best, "auc": math.nan, "loss": 0.41}, best)


def test_out_of_memory_says_what_to_do(stripes, quick, tmp_path):
    class Huge(ClipNetwork):
        def forward(self, frames, mask):
            raise torch.OutOfMemoryError("CUDA out of memory")

    from deepfake_nn.training.fit import OutOfMemory

    with pytest.raises(OutOfMemory, match=r"test, fold 0: 4 clips of 8 frames at 32 px") as raised:
        train(stripes, quick, tmp_path / "w", network=Huge)
    assert "halve batch_size" in raised.value.hint


def test_half_precision_trains(stripes, quick, tmp_path):
    model = train(stripes, quick.model_copy(update={"precision": "bf16", "epochs": 1}), tmp_path / "w")
    assert all(value.isfinite().all() for value in load_file(model / "weights.safetensors").values())


class Identifying(FrameStream):
    """A stream with an auxiliary loss that has parameters."""

    name = "test"
    summary = "for tests"
    weight = 1.0

    def auxiliary(self, settings, train):
        return IdentityLoss(train, size=64, weight=self.weight) if self.weight is not None else None


class Barely(Identifying):
    weight = 0.0


class Never(Identifying):
    weight = None


@pytest.fixture
def frames(quick: TrainingSettings, everything: TrainingSettings) -> FrameSettings:
    """All that training can do with single frames, but for mixing: a mixed clip shows two people."""
    found = {name: getattr(everything, name) for name in FrameSettings.model_fields if hasattr(everything, name)}
    return FrameSettings(**{**found, "unit_length": True, "mixup": 0.0, "cutmix": 0.0})


@pytest.fixture
def brief(frames: FrameSettings) -> FrameSettings:
    """As much of it as shows that a loss counts."""
    return frames.model_copy(
        update={"epochs": 2, "frozen_epochs": 0, "batch_size": 4, "swa_from": None, "mining_from": None}
    )


def train_stream(stream, stripes, settings, folder: Path, *, fold=None) -> Path:
    given, clips = stripes
    folder.mkdir(exist_ok=True)
    return stream.train_fold(fold or given, clips, settings, folder, FileLog(folder / "log")).dir


def shared(fold, *, train=None, stop=None):
    """The same fold with other people in it: each number stands for a person, in turn."""

    def cast(videos, people):
        if people is None:
            return videos
        return tuple(replace(v, identities=(f"p{people[n % len(people)]}",)) for n, v in enumerate(videos))

    return replace(fold, train=cast(fold.train, train), stop=cast(fold.stop, stop))


def test_an_auxiliary_loss_survives_interruption(stripes, frames, tmp_path):
    whole = train_stream(Identifying(), stripes, frames, tmp_path / "whole")
    hurried = frames.model_copy(update={"max_minutes": 1e-9})
    centres = []
    while True:
        try:
            pieced = train_stream(Identifying(), stripes, hurried, tmp_path / "pieced")
            break
        except TimeBudgetSpent:
            state = torch.load(tmp_path / "pieced" / CHECKPOINT, weights_only=True)["state_dict"]
            centres.append(state["auxiliary.centres"])
    assert len(centres) > 5 and not torch.equal(centres[0], centres[-1]), "centres learn"
    assert card(pieced) == card(whole)
    assert (pieced / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    curves = [{(m.name, m.step): m.value for m in metrics(tmp_path / w / "log") if m.name.endswith("loss")} for w in ("whole", "pieced")]  # fmt: skip
    assert {name for name, _ in curves[0]} == {"train_loss", "auxiliary_loss", "stop_loss"}
    assert curves[0] == pytest.approx(curves[1])


def test_an_auxiliary_loss_is_no_part_of_the_model(stripes, brief, tmp_path):
    model = train_stream(Identifying(), stripes, brief, tmp_path / "w")
    network = Identifying().network(brief, pretrained=False)
    assert set(load_file(model / "weights.safetensors")) == set(network.state_dict())


def test_weight_0_trains_as_without(stripes, brief, tmp_path):
    weights = [
        (train_stream(stream, stripes, brief, tmp_path / type(stream).__name__) / "weights.safetensors").read_bytes()
        for stream in (Never(), Barely(), Identifying())
    ]
    assert weights[0] == weights[1] != weights[2]


def test_people_of_the_stop_split_reach_nothing(stripes, brief, tmp_path):
    """Whoever they are, even people who are trained on, the model is the same; who is in the train clips matters."""
    folds = {
        "as_is": shared(stripes[0], train=(0, 1, 2)),
        "others": shared(stripes[0], train=(0, 1, 2), stop=(0, 0, 7)),
        "trained": shared(stripes[0], train=(0, 0, 1)),
    }
    weights = {
        name: (train_stream(Identifying(), stripes, brief, tmp_path / name, fold=fold) / "weights.safetensors")
        for name, fold in folds.items()
    }
    content = {name: path.read_bytes() for name, path in weights.items()}
    assert content["as_is"] == content["others"] != content["trained"]


def test_train_loss_leaves_the_auxiliary_loss_out(stripes, brief, tmp_path):
    still = brief.model_copy(
        update={"epochs": 1, "frozen_epochs": 0, "lr": 1e-12, "swa_from": None, "mining_from": None}
    )
    train_stream(Identifying(), stripes, still, tmp_path / "with")
    train_stream(Never(), stripes, still, tmp_path / "without")
    with_it, without = ({m.name: m.value for m in metrics(tmp_path / w / "log")} for w in ("with", "without"))
    assert with_it["train_loss"] == pytest.approx(without["train_loss"], abs=1e-5)
    assert with_it["auxiliary_loss"] > 1
    assert "auxiliary_loss" not in without


class Turning(FrameStream):
    """A stream whose clips are what other streams would train on, with the labels exchanged."""

    name = "test"
    summary = "for tests"

    def clip_set(self, videos, clips, settings, *, augmentation):
        turned = [replace(video, label=1 - video.label) for video in videos]
        return super().clip_set(turned, clips, settings, augmentation=augmentation)


def test_a_stream_may_say_what_its_clips_are(stripes, brief, tmp_path):
    """They are trained on, and the epochs judged by them, too: reals come to score above fakes."""
    longer = brief.model_copy(update={"epochs": 8, "augmentation": "none"})
    model = train_stream(Turning(), stripes, longer, tmp_path / "w")
    fold, clips = stripes
    held = predict(Turning().network(longer, pretrained=False), model, clips, longer)
    score = dict(zip(held.video_id, held.p, strict=True))
    reals, fakes = ([score[v.video_id] for v in fold.stop if v.label == label] for label in (0, 1))
    assert min(reals) > max(fakes)
    assert card(model)["auc"] == 1.0
