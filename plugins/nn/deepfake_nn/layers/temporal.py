"""How does a sequence of frame features, of which some are padding, become one vector per clip?"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def padded(rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Puts the features of real frames back into their clips.

    Args:
        rows: ``[N, D]``, one per real frame, as ``frames[mask]`` orders them.
        mask: ``[B, T] bool`` with N real frames.

    Returns:
        ``[B, T, D]``, zeros elsewhere.
    """
    clips = rows.new_zeros((*mask.shape, rows.shape[-1]))
    clips[mask] = rows
    return clips


def masked_mean(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over real frames.

    Args:
        x: ``[B, T, D]``; what stands in padded frames doesn't matter, not even NaN.
        mask: ``[B, T] bool``, True for a real frame.

    Returns:
        ``[B, D]``; NaN for a clip without a real frame.
    """
    return x.masked_fill(~mask[:, :, None], 0).sum(dim=1) / mask.sum(dim=1, keepdim=True)


class TemporalEncoder(nn.Module):
    """Bidirectional LSTM, self-attention over what it says, and the mean over real frames.

    The LSTM (Hochreiter & Schmidhuber 1997, 10.1162/neco.1997.9.8.1735; both directions: Schuster & Paliwal 1997,
    10.1109/78.650093) runs on packed sequences, so that its backward direction starts at a clip's last real frame. The
    attention (Vaswani et al. 2017, arXiv:1706.03762) sees real frames only; its output is added to its input and
    normalised. So padding changes nothing.

    Args:
        width: D, of the frame features.
        hidden: units of the LSTM, per direction.
        layers: of the LSTM.
        heads: of the attention; must divide ``2 * hidden``.
        dropout: between the layers of the LSTM.

    Attributes:
        out_features: ``2 * hidden``.
    """

    def __init__(self, width: int, *, hidden: int = 256, layers: int = 2, heads: int = 4, dropout: float = 0.3) -> None:
        super().__init__()
        if 2 * hidden % heads:
            raise ValueError(f"2 * hidden = {2 * hidden} can't be divided among {heads} heads")
        self.out_features = 2 * hidden
        self.lstm = nn.LSTM(
            width,
            hidden,
            num_layers=layers,
            batch_first=True,
            bidirectional=True,
            # One layer has no between, and torch would warn.
            dropout=dropout if layers > 1 else 0.0,
        )
        self.attention = nn.MultiheadAttention(self.out_features, heads, batch_first=True)
        self.norm = nn.LayerNorm(self.out_features)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Encodes clips.

        Args:
            x: ``[B, T, D]`` frame features.
            mask: ``[B, T] bool``, True for a real frame; real frames come first, one or more per clip.

        Returns:
            ``[B, 2 * hidden]``.

        Raises:
            ValueError: shapes that don't fit, a clip without a real frame, or a real frame after padding.
        """
        if mask.shape != x.shape[:2]:
            raise ValueError(f"mask has shape {tuple(mask.shape)}, not {tuple(x.shape[:2])} like the frames")
        # Packing wants the lengths on the CPU anyway: so the mask is checked there, and once.
        real = mask.cpu()
        if not real[:, 0].all() or (real[:, 1:] & ~real[:, :-1]).any():
            raise ValueError("each clip needs its real frames first, one or more, and padding only after them")
        packed = pack_padded_sequence(x, real.sum(dim=1), batch_first=True, enforce_sorted=False)
        frames, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])
        attended, _ = self.attention(frames, frames, frames, key_padding_mask=~mask, need_weights=False)
        return masked_mean(self.norm(frames + attended), mask)
