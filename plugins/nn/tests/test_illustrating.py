"""What is drawn of a network is what it used."""

from __future__ import annotations

import io
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
from torch import nn

from deepfake_core import Extracted
from deepfake_faces.crops import FaceCrops
from deepfake_nn.frames import FrameNetwork
from deepfake_nn.gradcam import LastMap, evidence
from deepfake_nn.illustrating import Sight, illustrate, strip
from deepfake_nn.network import ClipNetwork
from deepfake_nn.settings import FrameSettings, TrainingSettings
from deepfake_nn.training.choice import WEIGHTS, save

SIDE = 96
"""Three cells of a map, at the usual stride of 32."""


class RedEncoder(nn.Module):
    """Its map is how red each block of 8 pixels is, its features the map's mean, as timm's models would put it."""

    def forward_features(self, frames: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(frames[:, :1], 8)

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.mean(dim=(2, 3))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(frames))


class RedNetwork(nn.Module):
    """Logit: a weight for each frame times how red it is."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.backbone = RedEncoder()
        self.weights = nn.Parameter(weights)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logit=(self.weights * self.backbone(frames[0])[:, 0]).sum()[None])


def test_heat_is_the_closed_form():
    """The logit is the sum over frames of w_t / hw times the map, so that is its heat: w_t / 16 times the map."""
    frames, weights = torch.zeros(2, 3, 32, 32), torch.tensor([3.0, -2.0])
    frames[0, 0, :8, 8:16] = 1.0
    frames[1, 0, 24:, :8] = 0.5
    found = evidence(RedNetwork(weights), frames.requires_grad_())
    expected = torch.zeros(2, 4, 4)
    expected[0, 0, 1], expected[1, 3, 0] = 3.0 / 16, -2.0 * 0.5 / 16
    torch.testing.assert_close(found.heat, expected)
    assert found.logit == pytest.approx(3.0 / 16 - 1.0 / 16)


@pytest.mark.parametrize(("weights", "glowing"), [((3.0, -2.0), 0), ((1.0, -6.0), 1)])
def test_what_speaks_for_the_answer_glows_and_what_speaks_against_it_does_not(weights, glowing):
    frames = torch.zeros(2, 3, 32, 32)
    frames[:, 0, 8:16, 8:16] = 1.0
    sight = Sight(frames, np.arange(2.0), evidence(RedNetwork(torch.tensor(weights)), frames.requires_grad_()))
    sight.frames.requires_grad_(False)
    sheet = strip(sight).axes[0].images[0].get_array()[33:]  # 32 pixels of the upper row, and a line between
    colourful = np.ptp(sheet, axis=2).max(axis=0)
    halves = colourful[:32].max() > 0.1, colourful[33:].max() > 0.1
    assert halves == (glowing == 0, glowing == 1)


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_convnext", "swin_tiny_patch4_window7_224"])
def test_a_tapped_encoder_says_what_it_said(name):
    torch.manual_seed(0)
    encoder = timm.create_model(name, num_classes=0).eval()
    tapped, seen = LastMap(encoder), []
    tapped.tap.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    size = 224 if name.startswith("swin") else SIDE
    frames = torch.rand(2, 3, size, size)
    with torch.inference_mode():
        torch.testing.assert_close(tapped(frames), encoder(frames))
    assert seen == [(2, encoder.num_features, size // 32, size // 32)]


def settings_of(kind, **own):
    tiny = {"backbone": "test_efficientnet", "weights": "random", "size": SIDE, "margin": 0.0}
    return kind(**{**tiny, "sampled_frames": 8, "frames": 8, **own})


def faces(patches: list[tuple[int, int] | None], seed: int) -> np.ndarray:
    """Grey noise, with a red patch in one of 3 x 3 places of each frame, or none, ``[T, S, S, 3]``."""
    pixels = np.random.default_rng(seed).normal(110, 20, (len(patches), SIDE, SIDE, 3))
    for frame, place in zip(pixels, patches, strict=True):
        if place is not None:
            row, column = 32 * place[0], 32 * place[1]
            frame[row : row + 32, column : column + 32] += (120.0, -60.0, -60.0)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write(folder, pixels: np.ndarray, *, tracks: int = 1) -> Extracted:
    count, side = len(pixels), pixels.shape[1]
    each = count // tracks
    folder.mkdir()
    FaceCrops(
        pixels=pixels,
        sampled=8,
        track=np.repeat(np.arange(tracks), each),
        slot=np.tile(np.arange(each), tracks),
        time_s=2.0 + np.tile(np.arange(each) / 4.0, tracks),
        box=np.tile([0.0, 0.0, side, side], (count, 1)),
        points=np.tile([[30.0, 36.0], [66.0, 36.0], [48.0, 56.0], [34.0, 72.0], [62.0, 72.0]], (count, 1, 1)),
        confidence=np.full(count, 0.99),
        sharpness=np.full(count, 100.0),
        face_px=np.full(count, float(side)),
        outside=np.zeros(count),
        interpolated=np.zeros(count, bool),
    ).save(folder)
    return Extracted(folder.name, folder)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def patch_network() -> FrameNetwork:
    """Has learned that frames with the patch, wherever it is, are fakes."""
    torch.manual_seed(0)
    network = FrameNetwork(settings_of(FrameSettings), pretrained=False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5  # so that its statistics are there after as few steps as it learns in
    places = [(row, column) for row in range(3) for column in range(3)]
    frames = tensor(np.concatenate([faces([place, None], seed) for seed in range(4) for place in places]))
    targets = torch.tensor([1.0, 0.0]).repeat(len(frames) // 2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(30):
        batch = torch.randint(len(frames), (16,))
        logit = network(frames[batch][:, None], torch.ones(16, 1, dtype=torch.bool)).logit
        loss = nn.functional.binary_cross_entropy_with_logits(logit, targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def test_heat_lies_where_the_planted_patch_is(patch_network):
    places = [(0, 0), (2, 1), (1, 2), (0, 2), (2, 0), (1, 1), None, None]
    found = evidence(patch_network, tensor(faces(places, seed=99)))
    assert found.heat.shape == (8, 3, 3)
    assert [divmod(int(frame.argmax()), 3) for frame in found.heat[:6]] == places[:6]
    # All frames stand on one scale: those without the patch stay cold.
    peaks = found.heat.amax(dim=(1, 2))
    assert peaks[6:].max() < 0.5 * peaks[:6].min()


def png(panel) -> np.ndarray:
    import matplotlib.image

    file = io.BytesIO()
    panel.figure.savefig(file, format="png", dpi=60)
    return matplotlib.image.imread(io.BytesIO(file.getvalue()), format="png")


@pytest.fixture
def draw(tmp_path):
    """Panels of a network for a clip."""

    def panels(network, clip, settings, *, window=1):
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        save(network, folder / WEIGHTS)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return illustrate(type(network)(settings, pretrained=False), folder, clip, settings, window=window)

    return panels


def test_the_score_over_time_is_the_networks(patch_network, draw, tmp_path):
    pixels = faces([None, None, None, (1, 1), (1, 1), None, None, (0, 0)], seed=5)
    strip, course = draw(patch_network, write(tmp_path / "clip", pixels), settings_of(FrameSettings))
    points = np.asarray(course.figure.axes[0].collections[-1].get_offsets())
    with torch.inference_mode():
        mask = torch.ones(8, 1, dtype=torch.bool)
        alone = torch.sigmoid(patch_network(tensor(pixels)[:, None], mask).logit).numpy()
        whole = torch.sigmoid(patch_network(tensor(pixels)[None], mask.T).logit)[0]
    np.testing.assert_allclose(points, np.stack([2.0 + np.arange(8) / 4, alone], axis=1), atol=1e-4)
    assert set(np.flatnonzero(points[:, 1] > 0.5)) == {3, 4, 7}
    assert course.figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(float(whole), abs=1e-4)
    assert "each frame by itself" in course.caption
    answer = "fake" if whole >= 0.5 else "real"
    for said in (f"what spoke for “{answer}”", "3 × 3", "10.1109/ICCV.2017.74"):
        assert said in strip.caption


@pytest.mark.parametrize(("count", "window"), [(1, 1), (2, 1), (5, 2), (8, 4)])
def test_any_number_of_frames_is_drawn_and_alike_each_time(draw, tmp_path, count, window):
    settings = settings_of(TrainingSettings, hidden=8, temporal_layers=1, head=(16,), head_dropout=(0.1,), frequency=8)
    torch.manual_seed(1)
    network = ClipNetwork(settings, pretrained=False).eval()
    clip = write(tmp_path / "clip", faces([None] * count, seed=3))
    strip, *course = panels = draw(network, clip, settings, window=4)
    assert len(strip.figure.axes[0].get_xticks()) == count
    assert "frequencies" in strip.caption
    assert len(course) == (count > 1)
    frames = tensor(faces([None] * count, seed=3))
    for panel in course:
        clips = torch.stack([frames[start : start + window] for start in range(count - window + 1)])
        with torch.inference_mode():
            alone = torch.sigmoid(network(clips, torch.ones(clips.shape[:2], dtype=torch.bool)).logit)
        points = np.asarray(panel.figure.axes[0].collections[-1].get_offsets())
        np.testing.assert_allclose(points[:, 1], alone, atol=1e-5)
    for one, other in zip(panels, draw(network, clip, settings, window=4), strict=True):
        picture = png(one)
        assert picture[..., :3].std() > 0.02
        np.testing.assert_array_equal(picture, png(other))


def test_of_several_faces_the_one_most_like_a_fake_is_drawn(patch_network, draw, tmp_path):
    pixels = np.concatenate([faces([None] * 4, seed=1), faces([(1, 1)] * 4, seed=2)])
    clip = write(tmp_path / "clip", pixels, tracks=2)
    first, _ = draw(patch_network, clip, settings_of(FrameSettings))
    both, course = draw(patch_network, clip, settings_of(FrameSettings, faces="all"))
    assert "“real”" in first.caption and "“fake”" in both.caption
    assert (np.asarray(course.figure.axes[0].collections[-1].get_offsets())[:, 1] > 0.5).all()


def test_an_encoder_without_a_map_shows_the_faces_alone(draw, tmp_path):
    settings = settings_of(FrameSettings, backbone="test_vit", size=160)
    torch.manual_seed(2)
    strip, _ = draw(FrameNetwork(settings, pretrained=False), write(tmp_path / "clip", faces([None] * 2, 0)), settings)
    assert "keeps no map" in strip.caption
    assert png(strip).std() > 0.02


def test_a_network_is_left_as_it_was(patch_network):
    before = patch_network.backbone
    evidence(patch_network, tensor(faces([(0, 0)], seed=1)))
    assert patch_network.backbone is before
