"""Errors that a user can act on: one line that says what is wrong, and a hint that says what to do.

`VideoError` and `ModelError` belong to one case, and a run goes on without it. `NotApplicable` is no failure
at all: the metric has no meaning for that case. Every other error ends the run early. Bugs are never caught.
"""

from __future__ import annotations


class MotionBenchError(Exception):
    """Base of all errors that are shown as one line and a hint.

    Args:
        message: what is wrong, in one line.
        hint: what the user can do about it, in one line; may be empty.
        details: further lines, one for each of several things that are wrong in the same way.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __reduce__(self) -> tuple[type[MotionBenchError], tuple[str, str, tuple[str, ...]]]:
        # Exceptions cross process borders; the default would drop the hint.
        return type(self), (self.message, self.hint, self.details)


class ConfigError(MotionBenchError):
    """A flag, a profile or a setting is wrong or contradicts another one."""


class DataError(MotionBenchError):
    """A dataset is missing, malformed, or not the bytes that it claims to be."""

    exit_code = 3


class VideoError(MotionBenchError):
    """One video cannot be read, or is too short for what is asked of it. Belongs to one case."""

    exit_code = 4


class WeightsError(MotionBenchError):
    """A weight file is missing, or its hash is not the expected one."""

    exit_code = 3


class MissingDependency(MotionBenchError):
    """An optional package is not installed."""


class PluginError(MotionBenchError):
    """A model, metric or backend from an entry point or a module does not fit its contract."""


class ModelError(MotionBenchError):
    """A model raised, or returned something that is no video. Belongs to one case."""

    exit_code = 4


class SchemaError(MotionBenchError):
    """A results file does not follow its schema, or follows one that this version cannot read."""


class NotApplicable(MotionBenchError):
    """A metric has no meaning for this case (no reference, no masks, the input is not shown)."""
