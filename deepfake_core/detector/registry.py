"""Where do detectors live? Versions of one registered MLflow model, the one in use under the alias ``champion``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.contract.errors import UsageError
from deepfake_core.data.pseudo import DEEPFAKES, PSEUDO_FAKES, Basis, metric_name
from deepfake_core.detector.manifest import MANIFEST_FILE, Manifest, PluginPart
from deepfake_core.tracking import TAG_PREFIX

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

NAME = "deepfake-detector"
CHALLENGER, CHAMPION = "challenger", "champion"

DETECTOR_DIR = "detector"
"""Name of the model among its run's, and of the detector among the model's artifacts."""

MODEL_CODE = Path(__file__).with_name("model.py")


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: of the model.
        number: of the version.
        aliases: such as ``champion``.
        tags: ours, without prefix.
        run_id: of the fusion that made it.
        created: when, UTC.
    """

    name: str
    number: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    run_id: str
    created: datetime

    @property
    def uri(self) -> str:
        """What MLflow loads it by."""
        return f"models:/{self.name}/{self.number}"

    @property
    def basis(self) -> Basis:
        """What its figures were measured on; versions of before there was another basis have no tag."""
        return PSEUDO_FAKES if self.tags.get("basis") == PSEUDO_FAKES else DEEPFAKES

    @property
    def auc(self) -> tuple[float, float, float]:
        """AUC on that basis, with its 95 % interval."""
        value, low, high = (float(self.tags[metric_name(name, self.basis)]) for name in ("auc", "auc_low", "auc_high"))
        return value, low, high


def register(folder: Path, manifest: Manifest, name: str) -> Version:
    """Logs a detector's folder to the open run as an MLflow model, and registers it as the challenger.

    The model's code is a file of this package, and its artifacts are data: nothing of it is pickled.
    """
    import mlflow

    logged = mlflow.pyfunc.log_model(
        name=DETECTOR_DIR,
        python_model=str(MODEL_CODE),
        artifacts={DETECTOR_DIR: str(folder)},
        signature=_signature(),
        input_example=_example(),
        pip_requirements=_requirements(manifest),
        registered_model_name=name,
        metadata={"index_digest": manifest.trained_on.index_digest, "streams": ",".join(_streams(manifest))},
    )
    client, number = mlflow.MlflowClient(), str(logged.registered_model_version)
    measured = manifest.measured
    figures = {
        "auc": measured.auc,
        "auc_low": measured.low,
        "auc_high": measured.high,
        "auc_naive": measured.naive,
        "coverage": measured.coverage,
    }
    tags = {
        "ensemble": manifest.ensemble,
        "streams": ",".join(_streams(manifest)),
        "fuser": manifest.fuser.name,
        "basis": manifest.basis,
        **{metric_name(name, manifest.basis): f"{value:.4f}" for name, value in figures.items()},
        "index_digest": manifest.trained_on.index_digest,
        "folds_digest": manifest.trained_on.folds_digest,
    }
    for key, value in tags.items():
        client.set_model_version_tag(name, number, TAG_PREFIX + key, value)
    client.set_registered_model_alias(name, CHALLENGER, number)
    return version(name, number)


def versions(name: str) -> list[Version]:
    """All versions of a model, the newest first; none if there is no such model."""
    import mlflow

    client = mlflow.MlflowClient()
    numbers = [int(found.version) for found in client.search_model_versions(f"name = '{name}'")]
    return [version(name, str(number)) for number in sorted(numbers, reverse=True)]


def version(name: str, which: str) -> Version:
    """A version by its number or by an alias.

    Raises:
        UsageError: there is none.
    """
    found = find(name, which)
    if found is None:
        known = ", ".join(
            f"{v.number} ({', '.join(v.aliases)})" if v.aliases else str(v.number) for v in versions(name)
        )
        raise UsageError(
            f"model {name!r} has no version {which!r}; it has {known or 'none'}.",
            hint="see `deepfake models`." if known else "make one: `deepfake run`, or `deepfake fuse`.",
        )
    return found


def find(name: str, which: str) -> Version | None:
    """A version by its number or by an alias; None if there is none."""
    import mlflow

    client = mlflow.MlflowClient()
    try:
        found = (
            client.get_model_version(name, which) if which.isdigit() else client.get_model_version_by_alias(name, which)
        )
        # A search, and the lookup by alias, leave aliases out.
        return _version(client.get_model_version(name, found.version))
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def move(alias: str, to: Version) -> None:
    """Gives a version an alias; whoever had it loses it."""
    import mlflow

    mlflow.MlflowClient().set_registered_model_alias(to.name, alias, str(to.number))


def drop(alias: str, name: str) -> None:
    """Takes an alias away."""
    import mlflow

    mlflow.MlflowClient().delete_registered_model_alias(name, alias)


def tag(which: Version, tags: Mapping[str, object]) -> None:
    """Sets tags of a version, under ``deepfake.``."""
    import mlflow

    for key, value in tags.items():
        mlflow.MlflowClient().set_model_version_tag(which.name, str(which.number), TAG_PREFIX + key, str(value))


def fetch(uri: str, folder: Path) -> Path:
    """A model's detector, downloaded below ``folder``.

    Args:
        uri: ``models:/…``, ``runs:/…``, or the path of a model's or a detector's folder.
        folder: for what must be downloaded.

    Raises:
        UsageError: no such model, or it is no detector.
    """
    import mlflow

    local = Path(uri)
    if not local.is_dir():
        try:
            local = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))
        except (mlflow.exceptions.MlflowException, OSError) as error:
            raise UsageError(
                f"no model {uri} in {mlflow.get_registry_uri()}: {error}", hint="see `deepfake models`."
            ) from error
    return next((path.parent for path in local.glob(f"artifacts/*/{MANIFEST_FILE}")), local)


def _version(found: ModelVersion) -> Version:
    tags = {key.removeprefix(TAG_PREFIX): value for key, value in found.tags.items() if key.startswith(TAG_PREFIX)}
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, timezone.utc)
    return Version(found.name, int(found.version), tuple(sorted(found.aliases)), tags, found.run_id or "", created)


def _streams(manifest: Manifest) -> list[str]:
    return [part.name for part in manifest.streams]


def _requirements(manifest: Manifest) -> Sequence[str]:
    parts: list[PluginPart] = [*manifest.streams, manifest.fuser]
    needed = {f"{part.distribution}=={part.version}" for part in parts}
    return sorted(needed | {f"deepfake-core=={manifest.core_version}"})


def _signature() -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    text, number = DataType.string, DataType.double
    return ModelSignature(
        inputs=Schema([ColSpec(text, "video")]),
        outputs=Schema(
            [
                ColSpec(text, "video"),
                ColSpec(text, "verdict"),
                *(ColSpec(number, name, required=False) for name in ("probability", "low", "high")),
                *(ColSpec(text, name) for name in ("reasons", "streams", "basis", "error", "model")),
            ]
        ),
        params=ParamSchema([ParamSpec("streams", text, "")]),
    )


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame({"video": ["/videos/interview.mp4"]})
