"""A model's options as they are typed, and as they stand in a results file."""

from __future__ import annotations

import json
import math
import re
import typing as t
from collections.abc import Mapping

from motionbench.errors import ConfigError

Scalar = str | int | float | bool | None


def parse_options(options: Mapping[str, t.Any]) -> dict[str, Scalar]:
    """Read option values: text that is a JSON number, true, false, null or a quoted string is that, else itself.

    >>> parse_options({"steps": "4", "fast": "true", "prompt": "a cat", "zip": '"0123"'})
    {'steps': 4, 'fast': True, 'prompt': 'a cat', 'zip': '0123'}

    Raises:
        ConfigError: a value that is neither text nor a JSON scalar.
    """
    return {key: _scalar(key, value) for key, value in options.items()}


def without_folders(text: str) -> str:
    """Replace each absolute path in a text by its last part: a results file says nothing about a machine.

    >>> without_folders("command:/opt/bin/prog --weights=/data/w.safetensors {image}")
    'command:prog --weights=w.safetensors {image}'
    """
    start = r"(?:~?/(?!/)|[A-Za-z]:[\\/])"
    text = re.sub(rf"(['\"]){start}[^'\"]*[\\/](?=[^\\/'\"]+\1)", r"\1", text)  # in quotes, spaces are part of it
    return re.sub(rf"(?<![^\s=:,'\"]){start}(?:[^\s'\"]*[\\/])?(?=[^\s\\/'\"])", "", text)


def _scalar(key: str, value: t.Any) -> Scalar:
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            return value
        # JSON has no infinity, but Python's parser makes one of 1e999 and of the word itself.
        return parsed if _is_scalar(parsed) else value
    if not _is_scalar(value):
        what = repr(value) if isinstance(value, float) else f"a {type(value).__name__}"
        raise ConfigError(f"the option {key!r} is {what}, expected text, a number, true, false or null")
    return t.cast(Scalar, value)


def _is_scalar(value: t.Any) -> bool:
    return isinstance(value, (str, int, type(None))) or (isinstance(value, float) and math.isfinite(value))
