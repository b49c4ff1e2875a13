"""The encoders that the docs show are installed as they stand there, and train."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deepfake_core.contract.records import Extracted, Fold, VideoRecord
from deepfake_core.plugins import load_stream
from deepfake_core.runlog import FileLog
from tests.conftest import install, use_site

PAGE = Path(__file__).parents[2] / "docs" / "write_a_stream.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Fold, dict[str, Extracted]]:
    """Six clips of four flat faces."""
    np = pytest.importorskip("numpy")
    from deepfake_faces.crops import FaceCrops

    videos, clips = [], {}
    for number in range(6):
        random = np.random.default_rng(number)
        folder = tmp_path / f"v{number}"
        folder.mkdir()
        FaceCrops(
            pixels=random.integers(0, 255, (4, 64, 64, 3), dtype=np.uint8),
            sampled=16,
            track=np.zeros(4, np.intp),
            slot=np.arange(0, 16, 4),
            time_s=np.arange(4.0),
            box=np.tile([8.0, 8.0, 56.0, 56.0], (4, 1)),
            points=np.tile([[20.0, 25.0], [44.0, 25.0], [32.0, 35.0], [24.0, 45.0], [40.0, 45.0]], (4, 1, 1)),
            confidence=np.ones(4),
            sharpness=np.full(4, 100.0),
            face_px=np.full(4, 48.0),
            outside=np.zeros(4),
            interpolated=np.zeros(4, bool),
        ).save(folder)
        videos.append(VideoRecord(f"v{number}", folder / "no.mp4", number % 2, "d", "m", (f"p{number}",)))
        clips[f"v{number}"] = Extracted(f"v{number}", folder)
    return Fold(0, tuple(videos[:4]), tuple(videos[4:]), 1), clips


@pytest.mark.parametrize(("name", "place"), [("my_encoder", 0), ("my_mean", 1)])
def test_the_encoder_of_the_docs_trains(name, place, clips, tmp_path, monkeypatch):
    assert len(re.findall(r"\S.*\n", SNIPPETS[0])) <= 20, "an encoder in 20 lines"
    site = install(
        tmp_path / "site",
        distribution=name.replace("_", "-"),
        modules={f"{name}.py": SNIPPETS[place]},
        entry_points=f"[deepfake_core.streams]\n{name} = {name}:stream\n",
    )
    use_site(monkeypatch, site)
    stream = load_stream(name)
    fold, extracted = clips
    settings = stream.settings("demo", "size=64")
    work = tmp_path / "work"
    work.mkdir()
    model = stream.train_fold(fold, extracted, settings, work, FileLog(tmp_path / "log"))
    found = stream.predict_oof(model, extracted, settings)
    assert found.embedding.shape == (6, 64)
    assert ((found.p > 0) & (found.p < 1)).all()
