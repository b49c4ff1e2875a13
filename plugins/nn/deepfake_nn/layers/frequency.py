"""What do a face's spatial frequencies and fine residuals tell, that an encoder of pixels overlooks?

Two fixed front ends turn a frame into numbers; standardised, they feed a small perceptron. The front ends work on luma
(ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B) with values 0-1, in float32 even under autocast: small differences don't
survive a mantissa of 8 bits. They are differentiable and hold no weights.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from deepfake_nn.layers.standardisation import RunningStandardisation

SIZE = 64
"""Side of the luma that the DCT sees, pixels."""
BLOCK = 8
"""Side of a block of DCT coefficients."""
DCT_FLOOR = 1e-6
"""Added to a coefficient's magnitude before the logarithm."""
RESIDUAL_FLOOR = 1e-4
"""The same for residuals: a tenth of the rounding noise of 8-bit pixels."""
LUMA = (0.299, 0.587, 0.114)
SLACK = 0.02
"""How far pixels may lie beyond 0-1: half-precision rounding, but no normalisation, which goes to -1 and beyond."""

KERNELS: tuple[tuple[tuple[float, ...], ...], ...] = (
    ((-1, 1),),
    ((-1,), (1,)),
    ((1, -2, 1),),
    ((1,), (-2,), (1,)),
    ((-1, 3, -3, 1),),
    ((-1,), (3,), (-3,), (1,)),
    ((-1, 2, -1), (2, -4, 2), (-1, 2, -1)),
    ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1)),
)
"""High-pass kernels of the spatial rich model: differences of first to third order along rows and columns, and its two
squares (Fridrich & Kodovsky 2012, 10.1109/TIFS.2012.2190402)."""
REACH = 5
"""Side of the largest kernel, pixels."""
FACTS = 5
"""Numbers per kernel."""


class DctStatistics(nn.Module):
    """Level and spread of 64 frequency bands: the statistics of a logarithmic DCT.

    Luma, scaled to 64 x 64 with antialiasing, → orthonormal two-dimensional type II DCT (Ahmed et al. 1974,
    10.1109/T-C.1974.223784) → ln(magnitude + 1e-6) → a grid of 8 x 8 blocks of 8 x 8 coefficients → mean and
    standard deviation (over all 64 of them) of each block. Blocks run from low to high frequencies, row by row; the
    first holds the mean luma.

    Attributes:
        out_features: 128.
    """

    out_features = 2 * (SIZE // BLOCK) ** 2

    def __init__(self) -> None:
        super().__init__()
        self.matrix: torch.Tensor
        self.register_buffer("matrix", _dct_matrix(SIZE), persistent=False)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Measures frames.

        Args:
            rgb: ``[N, 3, H, W]`` float, 0-1; any size.

        Returns:
            ``[N, 128]``: 64 means, then 64 standard deviations.

        Raises:
            ValueError: another shape or range.
        """
        with torch.autocast(rgb.device.type, enabled=False):
            luma = F.interpolate(luma_of(rgb), size=(SIZE, SIZE), mode="bilinear", antialias=True)[:, 0]
            matrix = self.matrix.to(luma.dtype)
            # The mean goes round the product: its rounding errors would drown the faintest coefficients.
            mean = luma.mean(dim=(1, 2), keepdim=True)
            coefficients = matrix @ (luma - mean) @ matrix.T + F.pad(SIZE * mean, (0, SIZE - 1, 0, SIZE - 1))
            grid = (SIZE // BLOCK, BLOCK)
            blocks = (coefficients.abs() + DCT_FLOOR).log().unflatten(2, grid).unflatten(1, grid)
            spread, level = torch.std_mean(blocks, dim=(2, 4), correction=0)
            return torch.cat([level.flatten(1), spread.flatten(1)], dim=1)


class ResidualStatistics(nn.Module):
    """How strong, how spiky and how smooth is what remains when a face's content is filtered out?

    Eight high-pass kernels, each scaled to unit norm, so that white noise of deviation s leaves residuals r of
    deviation s, go over luma at the frames' own resolution, without borders. Five numbers of each residual:

    - level: ln(mean |r|)
    - tails: ln(std r / mean |r|), Geary's ratio (1935, 10.1093/biomet/27.3-4.310) upside down: 0.226 for a normal
      distribution, more the rarer and the larger its outliers. Edges and noise differ here.
    - flatness: mean ln|r| - ln(mean |r|): -0.409 for a normal distribution, less where much of the face has lost its
      grain to smoothing or compression
    - correlation of r with its neighbour to the right, and with the one below: known for white noise from the kernel
      alone, and changed by whatever interpolates, scales or blends

    1e-4 is added to |r|, mean |r| and std r before a logarithm, 1e-8 to the variance that divides a correlation.

    Attributes:
        out_features: 40, kernel by kernel.
    """

    out_features = FACTS * len(KERNELS)

    def __init__(self) -> None:
        super().__init__()
        self.kernels: torch.Tensor
        self.register_buffer("kernels", _unit_kernels(), persistent=False)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Measures frames.

        Args:
            rgb: ``[N, 3, H, W]`` float, 0-1; 6 x 6 pixels or more.

        Returns:
            ``[N, 40]``.

        Raises:
            ValueError: another shape or range.
        """
        if min(rgb.shape[-2:]) <= REACH:
            raise ValueError(f"frames of {tuple(rgb.shape[-2:])} pixels: residuals need {REACH + 1} x {REACH + 1}")
        with torch.autocast(rgb.device.type, enabled=False):
            luma = luma_of(rgb)
            residual = F.conv2d(luma, self.kernels.to(luma.dtype))
            magnitude = residual.abs()
            level = (magnitude.mean(dim=(2, 3)) + RESIDUAL_FLOOR).log()
            centred = residual - residual.mean(dim=(2, 3), keepdim=True)
            variance = centred.square().mean(dim=(2, 3))
            facts = (
                level,
                (residual.std(dim=(2, 3), correction=0) + RESIDUAL_FLOOR).log() - level,
                (magnitude + RESIDUAL_FLOOR).log().mean(dim=(2, 3)) - level,
                (centred[..., 1:] * centred[..., :-1]).mean(dim=(2, 3)) / (variance + RESIDUAL_FLOOR**2),
                (centred[..., 1:, :] * centred[..., :-1, :]).mean(dim=(2, 3)) / (variance + RESIDUAL_FLOOR**2),
            )
            return torch.stack(facts, dim=2).flatten(1)


class FrequencyBranch(nn.Module):
    """The statistics, standardised, through a perceptron of one hidden layer: frame by frame.

    Args:
        out_features: width of the output and of the hidden layer.
        residuals: high-pass residual statistics beside those of the DCT.
        dropout: after the hidden layer.
    """

    def __init__(self, out_features: int, *, residuals: bool, dropout: float = 0.3) -> None:
        super().__init__()
        self.out_features = out_features
        fronts = (DctStatistics(), ResidualStatistics()) if residuals else (DctStatistics(),)
        width = sum(front.out_features for front in fronts)
        self.fronts = nn.ModuleList(fronts)
        self.perceptron = nn.Sequential(
            RunningStandardisation(width),
            nn.Linear(width, out_features),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(out_features, out_features),
        )

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Encodes frames.

        Args:
            rgb: ``[N, 3, H, W]`` float, 0-1.

        Returns:
            ``[N, out_features]``.
        """
        encoded: torch.Tensor = self.perceptron(torch.cat([front(rgb) for front in self.fronts], dim=1))
        return encoded


def luma_of(rgb: torch.Tensor) -> torch.Tensor:
    """Luma of frames.

    Args:
        rgb: ``[N, 3, H, W]`` float, 0-1.

    Returns:
        ``[N, 1, H, W]``, float32 or wider.

    Raises:
        ValueError: another shape or range.
    """
    if rgb.ndim != 4 or rgb.shape[1] != 3 or not rgb.is_floating_point():
        raise ValueError(f"frames are {rgb.dtype} {tuple(rgb.shape)}, not float [N, 3, H, W]")
    if rgb.numel() and (rgb.amin() < -SLACK or rgb.amax() > 1 + SLACK):
        raise ValueError(
            f"pixels go from {rgb.amin():.2f} to {rgb.amax():.2f}, not 0 to 1: hand them over unnormalised"
        )
    rgb = rgb.to(torch.promote_types(rgb.dtype, torch.float32))
    return (rgb * rgb.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)


def _dct_matrix(size: int) -> torch.Tensor:
    """Orthonormal type II DCT, ``[size, size] float32``; row k holds the cosine of k half-cycles."""
    order = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(math.pi / size * order[:, None] * (order + 0.5)) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def _unit_kernels() -> torch.Tensor:
    """The kernels at unit norm, each in the corner of a square of the largest one's size, ``[8, 1, 5, 5] float32``."""
    kernels = torch.zeros(len(KERNELS), 1, REACH, REACH)
    for target, rows in zip(kernels, KERNELS, strict=True):
        kernel = torch.tensor(rows, dtype=torch.float32)
        target[0, : kernel.shape[0], : kernel.shape[1]] = kernel / kernel.norm()
    return kernels
