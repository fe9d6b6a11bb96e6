"""The bridge to Prisma's JavaScript engine (see engine/)."""

import sys

from chat_sessions.store.prisma import generator

for _name in ("prisma.generator", "prisma.generator.models"):
    sys.modules.setdefault(_name, generator)
