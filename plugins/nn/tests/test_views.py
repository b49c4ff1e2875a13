from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfake_nn.views import VIEW_SETS, VIEWS, views


@pytest.fixture(scope="module")
def clips() -> torch.Tensor:
    return torch.rand((2, 3, 3, 20, 24), generator=torch.Generator().manual_seed(0))


def test_the_sets_hold_the_published_views():
    assert list(views("none")) == ["identity"]
    assert list(views("efficientnet")) == ["identity", "flip", "brighter", "darker", "blur"]
    assert list(views("frames")) == ["identity", "flip", "gain_up", "gain_down", "blur", "crop"]
    assert set(VIEWS) == {name for names in VIEW_SETS.values() for name in names}


def test_an_unknown_set_names_the_known_ones():
    with pytest.raises(ValueError, match="none, efficientnet, frames"):
        views("seven")


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_keeps_shape_type_range_and_its_input(name, clips):
    before = clips.clone()
    seen = VIEWS[name](clips)
    assert (seen.shape, seen.dtype) == (clips.shape, clips.dtype)
    assert seen.min() >= 0 and seen.max() <= 1
    assert torch.equal(clips, before)


@pytest.mark.parametrize("name", VIEWS)
def test_each_frame_is_seen_for_itself(name, clips):
    seen = VIEWS[name](clips)
    for b, t in np.ndindex(2, 3):
        torch.testing.assert_close(seen[b, t], VIEWS[name](clips[b : b + 1, t : t + 1])[0, 0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("identity", lambda x: x),
        ("flip", lambda x: x[..., ::-1]),
        ("brighter", lambda x: np.minimum(x + 15 / 255, 1)),
        ("darker", lambda x: np.maximum(x - 15 / 255, 0)),
        ("gain_up", lambda x: np.minimum(x * 1.15, 1)),
        ("gain_down", lambda x: x * 0.85),
    ],
)
def test_simple_views_are_their_formula(name, expected, clips):
    np.testing.assert_allclose(VIEWS[name](clips).numpy(), expected(clips.numpy()), atol=1e-6)


def test_blur_spreads_a_dot_binomially():
    dot = torch.zeros((1, 1, 3, 7, 7))
    dot[..., 3, 3] = 1
    taps = np.array([0, 0, 1, 2, 1, 0, 0]) / 4
    np.testing.assert_allclose(VIEWS["blur"](dot)[0, 0, 1].numpy(), np.outer(taps, taps), atol=1e-6)


@pytest.mark.parametrize(("size", "kept"), [(224, 208), (299, 278), (64, 60)])
def test_crop_stretches_the_centre(size, kept):
    """A ramp that is cut to its middle and stretched over all pixels, its ends held."""
    ramp = torch.linspace(0, 1, size).expand(1, 2, 3, size, size)
    first = round((size - kept) / 2)
    source = (np.arange(size) + 0.5) * kept / size - 0.5
    expected = (first + source.clip(0, kept - 1)) / (size - 1)
    columns = VIEWS["crop"](ramp)[0, 1, 2]
    np.testing.assert_allclose(columns.numpy(), np.tile(expected, (size, 1)), atol=1e-5)
    rows = VIEWS["crop"](ramp.transpose(-1, -2))[0, 1, 2]
    np.testing.assert_allclose(rows.numpy(), np.tile(expected, (size, 1)).T, atol=1e-5)
