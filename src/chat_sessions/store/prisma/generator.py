"""Stands in for `prisma.generator`, of which Prisma Client Python needs only these names.

The original takes a tenth of a worker's start, and 4 MB. Its settings are for native engines, which we do not use.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

PartialModelField = Mapping[str, Any]
partial_models_ctx = None


class EngineType(StrEnum):
    """The kinds of engine."""

    binary = "binary"


class BinaryPaths(BaseModel):
    """The paths of native engines."""

    model_config = ConfigDict(extra="allow")


class OptionalValueFromEnvVar(BaseModel):
    """A setting of the schema."""

    model_config = ConfigDict(extra="allow")
