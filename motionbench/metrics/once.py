"""What several metrics, or several videos of one case, ask of the same features is found once."""

from __future__ import annotations

import functools
import typing as t
import weakref
from collections.abc import Callable

from motionbench.types import View

_Found = t.TypeVar("_Found")


def once(find: Callable[[View], _Found]) -> Callable[[View], _Found]:
    """Let a pure function of a view keep what it found, for as long as the view's features live.

    A case's metrics are handed the same features, and all videos that are compared with one reference the same features
    of that. Features are known by the identity of their arrays, which nobody writes to; nothing is held but the result,
    which must not hold them either.
    """
    known: dict[t.Any, _Found] = {}

    @functools.wraps(find)
    def found(view: View) -> _Found:
        arrays = [array for role in sorted(view.roles) for array in view.roles[role].values()]
        key = (*map(id, (*arrays, view.times)), view.size)
        if key not in known:
            known[key] = find(view)
            for array in (*arrays, view.times):  # an id may be given anew once its array is gone
                weakref.finalize(array, known.pop, key, None).atexit = False
        return known[key]

    return found
