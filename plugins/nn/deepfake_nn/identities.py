"""How do embeddings of one person come to point one way? An angular margin between the people of the train videos."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from deepfake_core import VideoRecord


def angular_margin_loss(
    cosine: torch.Tensor, person: torch.Tensor, *, scale: float = 30.0, margin: float = 0.5
) -> torch.Tensor:
    """Additive angular margin loss, ArcFace (Deng et al., CVPR 2019, 10.1109/CVPR.2019.00482, arXiv:1801.07698, eq. 3).

    With the angle θ_j between an embedding and the centre of person j, and y the embedding's own person::

        loss = -log( exp(s cos(θ_y + m)) / (exp(s cos(θ_y + m)) + Σ_{j ≠ y} exp(s cos θ_j)) )

    Beyond θ_y = π - m, where cos(θ_y + m) would rise again, cos θ_y - m sin m stands in its place, as in the authors'
    code: it goes on falling with θ_y.

    Args:
        cosine: cos θ, ``[B, C]`` in [-1, 1].
        person: y, ``[B] int64`` in 0 … C - 1.
        scale: s.
        margin: m, radians, in [0, π/2).

    Returns:
        ``[B] float32``.
    """
    cosine = cosine.float()
    own = cosine.gather(1, person[:, None])
    # The gradient of the root has no bound at θ = 0 and π; below 1e-6 the sine adds nothing to the cosine.
    sine = (1 - own.square()).clamp(min=1e-12).sqrt()
    further = own * math.cos(margin) - sine * math.sin(margin)
    moved = torch.where(own > math.cos(math.pi - margin), further, own - margin * math.sin(margin))
    return F.cross_entropy(scale * cosine.scatter(1, person[:, None], moved), person, reduction="none")


class IdentityLoss(nn.Module):
    """The angular margin loss of clips by whose footage they are.

    A clip belongs to the first of its identities: the person who was filmed. Whose identity a fake shows is ambiguous, for
    a swapped face is another's and a generated one nobody's; but every clip has a first identity, whatever the method.
    Either way a fake is drawn towards somebody's real clips, which is one reason to keep the weight small.

    The centres of the people are parameters and learn with the network. They are needed to train, not to score, and no
    model contains them.

    Args:
        videos: the train videos; nobody else has a centre.
        size: D, width of the embedding.
        weight: what the loss is multiplied with.
        scale: s.
        margin: m, radians.

    Attributes:
        people: their names, in the order of the centres.
    """

    person: torch.Tensor

    def __init__(
        self, videos: Sequence[VideoRecord], *, size: int, weight: float, scale: float = 30.0, margin: float = 0.5
    ) -> None:
        super().__init__()
        self.weight, self.scale, self.margin = weight, scale, margin
        self.people = tuple(sorted({video.identities[0] for video in videos}))
        number = {name: number for number, name in enumerate(self.people)}
        self.register_buffer("person", torch.tensor([number[v.identities[0]] for v in videos]), persistent=False)
        self.centres = nn.Parameter(torch.randn(len(self.people), size))

    def forward(self, embedding: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """The weighted loss of each clip.

        Args:
            embedding: ``[B, D]``, of any length.
            position: which of the train videos each is, ``[B] int64``.

        Returns:
            ``[B] float32``.
        """
        # Half precision would round the cosines, which are scaled by 30, to steps of 1/256.
        with torch.autocast(embedding.device.type, enabled=False):
            cosine = F.linear(F.normalize(embedding.float(), dim=1), F.normalize(self.centres, dim=1))
            loss = angular_margin_loss(cosine, self.person[position], scale=self.scale, margin=self.margin)
        return self.weight * loss
