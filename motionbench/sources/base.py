"""What every source offers."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from motionbench.errors import ConfigError, DataError
from motionbench.types import Case, Dataset, Footage, Protocol


@dataclass(frozen=True, slots=True)
class Listing:
    """How a source fits a dataset.

    Attributes:
        found: ids of the cases with exactly one video (for a model: all cases), in the dataset's order.
        missing: ids of the cases without one.
        extra: names of videos that belong to no case, sorted.
        duplicates: case id to the names of its files where there is more than one; such a case fails.
    """

    found: tuple[str, ...]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    duplicates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Source(t.Protocol):
    """Where the videos to score come from. Picklable."""

    @property
    def kind(self) -> t.Literal["videos", "model", "reference"]:
        """What sort of system it is."""
        ...

    def check(self, dataset: Dataset) -> Listing:
        """Compare with the cases, before anything is decoded or generated.

        Raises:
            ConfigError: it cannot serve this dataset at all.
        """
        ...

    def footage(self, case: Case, protocol: Protocol) -> Footage | None:
        """The video of a case, generated first if need be; None where there is none.

        Raises:
            ModelError, VideoError: this case has no usable video, with the reason.
            ConfigError, PluginError, WeightsError, MissingDependency: no case will have one.
        """
        ...

    def identity(self) -> dict[str, t.Any]:
        """`{name, kind, source, options}` as JSON types, without the folders of this machine."""
        ...


def file_stem(case_id: str) -> str:
    """A case id as the name of a file.

    Raises:
        DataError: it cannot be one (a slash would leave the folder).
    """
    if not case_id or case_id in (".", "..") or any(c in case_id for c in "/\\\0"):
        raise DataError(f"the case id {case_id!r} cannot be a file name", "ids may not hold slashes or be empty")
    return case_id


def no_options(options: Mapping[str, t.Any], what: str) -> None:
    """Refuse options where there is no model to take them."""
    if options:
        raise ConfigError(f"{what} takes no options, but {', '.join(sorted(options))} was set")
