"""A fuser as it is written for version 1 of the hook contract. Never edited: what runs here must go on running."""

import json

import pandas as pd
from pydantic import Field

from deepfake_core import Ensemble, FusedModel, FuserInfo, Settings, hookimpl


class FrozenSettings(Settings):
    pull: float = Field(1.0, gt=0, le=1, description="share of the way from 1/2 to the mean of the scores")


@hookimpl
def fuser_info():
    return FuserInfo(
        name="frozen_fuser",
        settings=FrozenSettings,
        presets={"paper": FrozenSettings()},
        summary="the mean of the scores",
        needs_embeddings=False,
        code_version=1,
        api_version=1,
    )


@hookimpl
def fuse(oof, settings, work_dir, seed):
    assert set(oof["label"]) == {0, 1}
    folder = work_dir / "fused"
    folder.mkdir(exist_ok=True)
    (folder / "columns.json").write_text(json.dumps([name for name in oof if name.endswith("_p")]))
    return FusedModel(folder)


@hookimpl
def predict_fused(model, table, settings):
    columns = json.loads((model.dir / "columns.json").read_text())
    return (0.5 + settings.pull * (table[columns].mean(axis=1) - 0.5)).to_numpy()


@hookimpl
def explain(model, table, settings):
    columns = json.loads((model.dir / "columns.json").read_text())
    spoken = table[columns].notna().sum(axis=1)
    parts = (table[columns] - 0.5).fillna(0.0).div(spoken, axis=0) * settings.pull
    return pd.DataFrame(parts, index=table.index, columns=columns)


ALONE = Ensemble(("frozen_stream",), "one stream", fuser="frozen_fuser")
