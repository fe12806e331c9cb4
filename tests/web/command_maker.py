"""Runs a command of the command line on a database of a test."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from click import Command
from click.testing import CliRunner, Result

from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.web.command import Context


def run_command(command: Command, *arguments: str, database: Database, data_dir: Path, now: datetime) -> Result:
    """Run it as an operator would, at a moment."""
    context = Context(
        Settings(data_dir=data_dir), prepare=lambda _: None, knows_territory=lambda *_: True, clock=lambda: now
    )
    context.__dict__["database"] = database
    return CliRunner().invoke(command, arguments, obj=context)
