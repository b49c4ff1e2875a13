"""A data set as it is written for version 1 of the hook contract. Never edited: what runs here must go on running."""

from pydantic import Field

from deepfake_core import DatasetInfo, Settings, VideoRecord, hookimpl, take


class FrozenSettings(Settings):
    people: int = Field(12, ge=2, description="number of people")


@hookimpl
def dataset_info():
    return DatasetInfo(
        name="frozen_dataset", settings=FrozenSettings, summary="files with a number", self_made=True, api_version=1
    )


@hookimpl
def index_dataset(root, limits, settings):
    videos = []
    for person in range(settings.people):
        for label, method in ((0, "real"), (1, "raised")):
            path = root / f"{method}_{person}.mp4"
            if not path.exists():
                root.mkdir(parents=True, exist_ok=True)
                path.write_text(str(person / settings.people + 0.4 * label))
            videos.append(
                VideoRecord(
                    video_id=f"frozen__{method}__{person}",
                    path=path,
                    label=label,
                    dataset="frozen",
                    method=method,
                    identities=(f"person_{person}",),
                    split=None,
                )
            )
    return take({"all": videos}, {}, limits, 0)
