"""The bridge to Prisma's JavaScript engine (see engine/)."""

import sys

from chat_sessions.imports import hollowing
from chat_sessions.store.prisma import generator

for _name in ("prisma.generator", "prisma.generator.models"):
    sys.modules.setdefault(_name, generator)

# Prisma would use them for its own engine and its command line.
with hollowing("httpx", "tomlkit"):
    import prisma  # noqa: F401  before anything else imports it
