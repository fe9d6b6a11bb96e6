"""Run schemathesis with all its checks against a running service."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import finished
from tests.service import token

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
# Tokens outlive even a long run.
TOKEN_SECONDS = 24 * 60 * 60
# As in schemathesis.toml.
USERS = ("ada", "bob")


@dataclass
class Outcome:
    """The output of schemathesis, and its report, which is empty if it rejected its options."""

    exit_code: int
    printed: str
    report: dict[str, Any]

    @property
    def failures(self) -> set[tuple[str, str]]:
        """The operations that failed, each with the failed check."""
        return {(operation, each["type"]) for each in self.report["failures"] for operation in each["operations"]}


async def fuzz(url: str, folder: Path, *options: str) -> Outcome:
    """Send valid and invalid requests as two users."""
    users, report = folder / "users.json", folder / "report.json"
    users.write_text(json.dumps({"auth": [_user(name) for name in USERS]}))
    exit_code, printed = await finished(
        folder,
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--no-color",
        f"--config-file={CONFIG}",
        "run",
        f"{url}/openapi.json",
        "--checks=all",
        f"--report-json-path={report}",
        *options,
        PYTHONPATH=str(ROOT),
        FUZZ_USERS=str(users),
    )
    return Outcome(exit_code, printed, json.loads(report.read_text()) if report.exists() else {})


def _user(name: str) -> dict[str, Any]:
    bearer = token(name, exp=int(time.time()) + TOKEN_SECONDS)
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {bearer}"}]}
