"""Documents generated from the code: the API description, the settings, the problems."""

from __future__ import annotations

from typing import Any

import yaml
from flask import Flask

from citizen_api.api import install_api, services_from
from citizen_api.core.problems import known_problems
from citizen_api.core.settings import Settings, settings_page
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.system import OpenApi
from content.catalogue import catalogue


def generated_documents(settings: Settings, *blueprints: Blueprint) -> dict[str, str]:
    """Text of each generated file, by its path in the project. `blueprints`: as of `install_api`."""
    return {
        "openapi.yaml": openapi_yaml(settings, *blueprints),
        "docs/settings.md": settings_page(),
        "docs/problems.md": problems_page(),
    }


def openapi_yaml(settings: Settings, *blueprints: Blueprint) -> str:
    """Dump the API description as YAML, in the order of the code (sorted keys are unreadable)."""
    app = Flask("alentours", static_folder=None)
    services = services_from(settings)
    install_api(app, services, *blueprints)
    document = services.port(OpenApi).document()
    return yaml.dump(document, sort_keys=False, allow_unicode=True, width=110, Dumper=_Dumper)


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks and never aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def problems_page() -> str:
    """Markdown list of every problem."""
    lines = [
        "# Problems",
        "",
        "Every error of the API is `application/problem+json` (RFC 9457). `type` is one of the names below, as",
        "`/problems/<name>`; branch on it, not on the words. This page is written by `make openapi`.",
        "",
        "| type | status | title | what to do |",
        "|---|---|---|---|",
    ]
    for kind in known_problems():
        words = catalogue().problems[kind.name]
        lines.append(f"| `{kind.name}` | {kind.status} | {words.title.outline('en')} | {words.detail.outline('en')} |")
    return "\n".join(lines) + "\n"
