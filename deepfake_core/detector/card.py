"""What must be known of a detector before anyone relies on it? Its model card (Mitchell et al. 2019, doi:10.1145/3287560.3287596)."""

from __future__ import annotations

from deepfake_core.data.pseudo import CAUTION, DEEPFAKES, fake_word
from deepfake_core.detector.manifest import Manifest
from deepfake_core.fusion import sections
from deepfake_core.fusion.findings import Findings
from deepfake_core.fusion.report import Report, Section

CARD_FILE = "model_card.md"


def card(manifest: Manifest, findings: Findings) -> str:
    """The model card in Markdown: what it is, what it was made from, how good it is, where its limits lie."""
    parts = (
        _what(manifest),
        _data(manifest),
        sections.scores(findings),
        sections.by_method(findings),
        sections.calibration(findings),
        sections.coverage(findings),
        _limits(manifest),
        _again(manifest),
    )
    # Figures are beside the fusion's report, not beside the card.
    return Report("Model card", tuple(Section(part.title, part.text, part.table) for part in parts)).markdown("")


def _what(manifest: Manifest) -> Section:
    inference = {
        "folds": "A video is scored by the models of all folds; their fused scores are averaged.",
        "refit": "A video is scored by models refitted on all videos; the scores below are those of the fold models.",
    }
    streams = ", ".join(f"{part.name} ({part.distribution} {part.version})" for part in manifest.streams)
    return Section(
        "What it is",
        (
            f"A detector of manipulated faces in videos, made {manifest.created:%Y-%m-%d} with deepfake-core {manifest.core_version}. "
            f"Streams: {streams}. Fused by {manifest.fuser.name} ({manifest.fuser.distribution} {manifest.fuser.version}). "
            + inference[manifest.inference],
            "It answers real, fake, or inconclusive, with a calibrated probability. "
            f"Between {manifest.band[0]:.2f} and {manifest.band[1]:.2f} it doesn't decide: outside, at most one in ten of the real "
            f"videos and of the {fake_word(manifest.basis)}s that it was measured on would be called wrongly.",
        ),
    )


def _data(manifest: Manifest) -> Section:
    made = manifest.trained_on
    return Section(
        "What it was made from",
        (
            f"{manifest.material}; data sets {', '.join(made.datasets)}; "
            f"methods {', '.join(made.methods)}. Index {made.index_digest}, folds {made.folds_digest}. Nobody stands on both sides of a "
            "fold: leakage_certificate.json is beside this card.",
        ),
    )


def _limits(manifest: Manifest) -> Section:
    made = manifest.trained_on
    return Section(
        "Limits",
        (
            *(() if manifest.basis == DEEPFAKES else (CAUTION,)),
            f"It has learned from {', '.join(made.datasets)} only. Other cameras, codecs, forgery methods and people can be harder; "
            "figures on them are known once it was evaluated on them.",
            f"A probability is that of videos with as many {fake_word(manifest.basis)}s among them as these, "
            f"{made.fakes / made.videos:.0%}. Where fakes are rarer, more of what it calls fake is real.",
            "It looks at faces. Speech, captions, editing, and who is shown are beyond it. Its verdict is a hint for a person who "
            "looks further, not proof.",
        ),
    )


def _again(manifest: Manifest) -> Section:
    runs = ",".join(part.source for part in manifest.streams)
    return Section(
        "How to make it again",
        (
            f"deepfake fuse --runs {runs} --fuser {manifest.fuser.name} --missing {manifest.missing} --threshold {manifest.rule} "
            f"--inference {manifest.inference}, with the index of digest {manifest.trained_on.index_digest}; the settings of streams and fuser are in "
            "detector.json.",
        ),
    )
