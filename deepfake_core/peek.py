"""What does the tracking store hold, looked at from outside?

Without MLflow, which takes seconds to import and migrates what it opens. Nothing is created or changed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class RegisteredModel:
    """A model in the registry.

    Attributes:
        name: of the model.
        aliases: numbers of versions by alias.
        versions: numbers of its versions, or of the newest ones where a server tells no more.
    """

    name: str
    aliases: dict[str, str]
    versions: tuple[str, ...]


def store_uri() -> str:
    """The store that MLflow would use: what the environment names, a store in files that is here already, or a new one."""
    named = os.environ.get("MLFLOW_TRACKING_URI")
    in_files = any(Path("mlruns").glob("[0-9]*/meta.yaml"))
    return named or (Path("mlruns").absolute().as_uri() if in_files else f"{_SQLITE}{Path('mlflow.db').absolute()}")


def registry_uri() -> str:
    """The store that has the model registry."""
    return os.environ.get("MLFLOW_REGISTRY_URI") or store_uri()


def database(uri: str) -> Path | None:
    """The file of a SQLite store; None for any other store."""
    return Path(unquote(uri.removeprefix(_SQLITE))) if uri.startswith(_SQLITE) else None


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in a data base that is opened for reading only.

    Raises:
        sqlite3.Error: no such file, no data base, or no such table.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
        return [tuple(map(str, row)) for row in connection.execute(query)]


def models(uri: str, *, timeout: float) -> list[RegisteredModel]:
    """The registered models of a store; of SQLite and of servers.

    Args:
        uri: of the registry.
        timeout: of a server, seconds.

    Raises:
        OSError, sqlite3.Error, ValueError: it can't be read.
    """
    path = database(uri)
    if path is not None:
        aliases = rows(path, "SELECT name, alias, version FROM registered_model_aliases")
        versions = rows(path, "SELECT name, version FROM model_versions ORDER BY version DESC")
        names = [name for (name,) in rows(path, "SELECT name FROM registered_models ORDER BY name")]
        return [
            RegisteredModel(
                name,
                {alias: version for owner, alias, version in aliases if owner == name},
                tuple(version for owner, version in versions if owner == name),
            )
            for name in names
        ]
    if not uri.startswith(("http://", "https://")):
        raise ValueError(f"a registry at {uri} is only read by MLflow")
    address = f"{uri.rstrip('/')}/api/2.0/mlflow/registered-models/search?max_results=100"
    with urllib.request.urlopen(address, timeout=timeout) as response:
        found = json.load(response).get("registered_models", [])
    return [
        RegisteredModel(
            model["name"],
            {each["alias"]: str(each["version"]) for each in model.get("aliases", [])},
            tuple(str(each["version"]) for each in model.get("latest_versions", [])),
        )
        for model in found
    ]
