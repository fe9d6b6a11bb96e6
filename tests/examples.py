"""The examples in the documentation of the clients."""

import re
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).parents[1] / "clients" / "python"


def examples(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (CLIENTS / page).read_text(), re.MULTILINE | re.DOTALL)


def run(example: str, url: str) -> dict[str, Any]:
    """Run an example with the service at another address, and return what it defines."""
    defined: dict[str, Any] = {}
    exec(example.replace("http://127.0.0.1:8000", url), defined)  # noqa: S102  our own
    return defined
