"""Stands in for `prisma.generator`, which Prisma Client Python imports, with its templates, for these names.

It would take a tenth of the time to start a worker, and 4 MB. The client reads its settings from it, and does not use
them with our engine.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

PartialModelField = Mapping[str, Any]
partial_models_ctx = None


class EngineType(StrEnum):
    """The kinds of engine that the client knows."""

    binary = "binary"


class BinaryPaths(BaseModel):
    """Where native engines would be."""

    model_config = ConfigDict(extra="allow")


class OptionalValueFromEnvVar(BaseModel):
    """A setting of the schema."""

    model_config = ConfigDict(extra="allow")
