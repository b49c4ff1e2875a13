"""``deepfake stress``: what is known to break breaks, and what is known to hold holds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from deepfake_core.cli import main
from deepfake_core.contract.errors import EXIT_PARTIAL, EXIT_USAGE
from deepfake_core.contract.records import VideoRecord
from deepfake_core.data.index import make_index, read_index, write_index
from deepfake_core.detector import registry
from deepfake_core.steps import fuse, stream
from deepfake_core.steps.stress import some
from tests.conftest import install, leave_home, make_home, use_site
from tests.stress.film_streams import GLOW, GRAIN

SIZE = 32


def film(path: Path, random: np.random.Generator, label: int) -> None:
    """Six frames; fakes are a little brighter than reals, and have a fine texture that reals hardly have; noise tells nothing."""
    light = random.normal(110 + 10 * label, 8)
    texture = random.uniform(2, 8) + 8 * label
    noise = random.uniform(0.5, 3)
    checks = texture * (np.indices((SIZE, SIZE)).sum(axis=0) % 2 - 0.5)
    with av.open(str(path), "w") as container:
        codec = container.add_stream("libx264", rate=25, options={"crf": "1", "bf": "0"})
        codec.width = codec.height = SIZE
        codec.pix_fmt = "yuv444p"
        for k in range(6):
            rgb = np.repeat((light + checks + random.normal(0, noise, checks.shape))[..., None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(np.clip(np.rint(rgb), 0, 255).astype(np.uint8), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 25), k
            container.mux(codec.encode(frame))
        container.mux(codec.encode(None))


def write_films(folder: Path, prefix: str, people: int = 12) -> Path:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(len(prefix))
    videos = []
    for person in range(people):
        for label, method in ((0, "real"), (1, "swap")):
            file = folder / f"{prefix}_{method}_{person}.mp4"
            film(file, random, label)
            videos.append(
                VideoRecord(f"{prefix}__{method}__{person}", file, label, prefix, method, (f"{prefix}{person}",))
            )
    write_index(make_index(videos, prefix), folder / f"{prefix}.csv")
    return folder / f"{prefix}.csv"


@pytest.fixture(scope="module")
def other(tmp_path_factory, empty_tracking_store):
    """An index of other people than those that the registered detector was made from."""
    with pytest.MonkeyPatch.context() as patch:
        home = make_home(tmp_path_factory.mktemp("home"), patch, empty_tracking_store)
        site = install(
            tmp_path_factory.mktemp("site"),
            distribution="deepfake-films",
            modules={"toy_glow.py": GLOW, "toy_grain.py": GRAIN},
            entry_points="[deepfake_core.streams]\nglow = toy_glow\ngrain = toy_grain\n",
        )
        use_site(patch, site)
        training = write_films(home / "videos", "known")
        for name in ("glow", "grain"):
            stream.run(name, str(training), folds_given="3", workers="1", refit=False)
        fuse.run("glow,grain", str(training), fuser="logistic", folds_given="3", out=home / "ensemble")
        yield write_films(home / "videos", "others")
        leave_home()


def stressed(index: Path, out: Path, *more: str) -> tuple[int, str]:
    """Exit code and output."""
    model = f"models:/{registry.NAME}@challenger"
    command = ["stress", "--index", index, "--out", out, "--model", model, "--workers", "1", *more]
    result = CliRunner().invoke(main, [str(each) for each in command])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def done(other, tmp_path_factory):
    """One sweep that all tests look at: its folder, and what was printed."""
    out = tmp_path_factory.mktemp("stress")
    code, text = stressed(other, out, "--kinds", "blur,darker")
    assert code == 0, text
    return out, text


def rows(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "stress_metrics.csv").set_index(["kind", "level", "score"]).sort_index()


def test_each_stream_breaks_by_what_it_looks_at(done):
    out, text = done
    found = rows(out)
    sharp = found.loc[("blur", 1, "grain")]
    assert sharp["auc_change"] < -0.3 and sharp["auc_change_high"] < 0 and sharp["auc_change_p_holm"] < 0.05
    assert abs(found.loc[("blur", 4, "glow"), "auc_change"]) < 0.05, "blur leaves the mean as it is"
    dark = found.loc[("darker", 0.4, "glow")]
    assert abs(dark["auc_change"]) < 0.1 and dark["log_loss_change_low"] > 0, "same ranking, wrong probabilities"
    control = found.loc["control"]
    assert control["auc_change"].abs().max() < 0.02 and control["log_loss_change"].abs().max() < 0.05
    assert "Gaussian blur (sigma 1 px): grain breaks first" in text and "surely a loss" in text


def test_levels_are_compared_with_the_same_videos_as_they_are(done):
    found = rows(done[0])
    table = pd.read_csv(done[0] / "stress_predictions.csv")
    clean, dark = (
        table[(table["kind"] == kind) & (table["level"] == level)] for kind, level in (("clean", 0), ("darker", 0.6))
    )
    assert list(clean["video_id"]) == list(dark["video_id"]) and len(clean) == 24
    loss = [-np.log(np.where(part["label"] == 1, part["glow_p"], 1 - part["glow_p"])).mean() for part in (clean, dark)]
    row = found.loc[("darker", 0.6, "glow")]
    assert row["log_loss"] == pytest.approx(loss[1]) and row["log_loss_change"] == pytest.approx(loss[1] - loss[0])
    assert row["pairs"] == row["scored"] == 24 and row["coverage_change"] == 0


def test_report_figure_and_run(done):
    out, _ = done
    report = (out / "report.md").read_text()
    assert "grain breaks first" in report and "None of these videos shares" in report and "written anew" in report
    assert (out / "figures" / "stress.png").stat().st_size > 10_000 and "data:image/png" in (
        out / "report.html"
    ).read_text()
    run = mlflow.search_runs(
        search_all_experiments=True, filter_string="tags.deepfake.step = 'stress'", output_format="list"
    )[-1]
    assert run.data.tags["deepfake.model_version"] == "1" and run.data.tags["deepfake.kinds"] == "blur,darker"
    assert run.data.metrics["blur_1_auc_change"] == pytest.approx(rows(out).loc[("blur", 1, "P_final"), "auc_change"])


def test_a_second_time_nothing_is_made_again(done, other, tmp_path, monkeypatch):
    from deepfake_core.stress import corrupted

    monkeypatch.setattr(corrupted, "write", lambda *_, **__: pytest.fail("made again"))
    assert stressed(other, tmp_path, "--kinds", "blur,darker")[0] == 0
    assert (tmp_path / "stress_metrics.csv").read_text() == (done[0] / "stress_metrics.csv").read_text()


def test_broken_videos_stay_in_the_table(other, tmp_path):
    videos = list(read_index(other).videos[:8])
    (tmp_path / "text.mp4").write_text("not a video")
    videos.append(VideoRecord("others__real__text", tmp_path / "text.mp4", 0, "others", "real", ("nobody",)))
    write_index(make_index(videos, "broken"), tmp_path / "broken.csv")
    code, text = stressed(tmp_path / "broken.csv", tmp_path / "out", "--kinds", "darker")
    assert code == EXIT_PARTIAL and "others__real__text: glow: decode_error" in text
    table = pd.read_csv(tmp_path / "out" / "stress_predictions.csv")
    assert len(table) == 5 * 9 and (table[table["video_id"] == "others__real__text"]["status"] == "decode_error").all()
    assert (rows(tmp_path / "out")["scored"] == 8).all()


def test_one_class_is_told_by_the_log_loss(other, tmp_path):
    videos = [video for video in read_index(other).videos if video.label == 0]
    write_index(make_index(videos, "reals"), tmp_path / "reals.csv")
    code, text = stressed(tmp_path / "reals.csv", tmp_path / "out", "--kinds", "darker", "--most", "6")
    assert code == 0, text
    assert "AUC isn't defined" in text
    found = rows(tmp_path / "out")
    assert found["auc"].isna().all() and found["log_loss"].notna().all() and (found["videos"] == 6).all()


def test_fewer_videos_are_the_same_ones_and_of_both_classes(other):
    index = read_index(other)
    few, more = some(index, 7), some(index, 12)
    assert {v.video_id for v in few.videos} < {v.video_id for v in more.videos}
    assert sum(v.label for v in more.videos) == 6 and abs(sum(v.label for v in few.videos) - 3.5) < 1
    assert some(index, 0) is index and some(index, 24) is index


def test_unknown_kinds(other, tmp_path):
    code, text = stressed(other, tmp_path, "--kinds", "fog")
    assert code == EXIT_USAGE and "no corruption fog" in text and "h264, jpeg" in text
