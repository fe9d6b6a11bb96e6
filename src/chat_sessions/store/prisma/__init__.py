"""The bridge to Prisma's JavaScript engine (see engine/)."""

import sys

from chat_sessions.imports import hollowing
from chat_sessions.store.prisma import generator

for _name in ("prisma.generator", "prisma.generator.models"):
    sys.modules.setdefault(_name, generator)

# For its own engine, and for the settings of its command line.
with hollowing("httpx", "tomlkit"):
    import prisma  # noqa: F401  before anything else imports it
