"""The values of one metric on one case, from the cache or measured.

What is the case's own fault is an error with its reason; what a metric may not do is the plugin's.
"""

from __future__ import annotations

import numpy as np

from motionbench.canonical import plain
from motionbench.errors import NotApplicable, PluginError, VideoError
from motionbench.plan import measure_key
from motionbench.subject import MIN_NCC, Subject
from motionbench.types import CaseView, Metric, Values

_NO_MATCH = "the first frame is not the input"
_UNJUDGED = "not applicable"  # stands in the cache beside the reason, in place of values


def known(metric: Metric, subject: Subject, reference: Subject) -> bool:
    """True if what a metric says of this pair is in the cache: nothing that it reads is needed then."""
    return subject.bench.cache.has(measure_key(metric, subject.case, subject.keys, reference.keys))


def measure(metric: Metric, subject: Subject, reference: Subject | None) -> Values:
    """Values of one metric: from the cache, or measured.

    Raises:
        NotApplicable, VideoError: with the reason, for this case.
        PluginError: the metric returned something other than plain values and arrays.
    """
    bench = subject.bench
    if metric.masks and subject.geometry().match.ncc < MIN_NCC:
        raise NotApplicable(_NO_MATCH)
    key = measure_key(metric, subject.case, subject.keys, reference.keys if reference else None)
    entry = bench.cache.get(key)
    if entry is not None:
        if _UNJUDGED in entry[1]:
            raise NotApplicable(str(entry[1][_UNJUDGED]))
        return {**entry[1], **entry[0]}
    view = CaseView(
        subject.case,
        subject.view(metric.needs_of("generated")),
        reference.view(metric.needs_of("reference")) if reference is not None and metric.paired else None,
    )
    with bench.clock.on("metrics"):
        try:
            values = metric.measure(view)
        except NotApplicable as error:  # as much of a result as a number, and as long in the making
            bench.cache.put(key, {}, {_UNJUDGED: error.message})
            raise
    arrays = {name: v for name, v in values.items() if isinstance(v, np.ndarray)}
    try:
        scalars = plain({name: v for name, v in values.items() if name not in arrays}, f"the metric {metric.id}")
    except ValueError as error:  # a NaN belongs to this case; it must not reach a file, nor stop the others
        raise VideoError(str(error)) from error
    except TypeError as error:
        raise PluginError(str(error)) from error
    bench.cache.put(key, arrays, scalars)
    return {**scalars, **arrays}
