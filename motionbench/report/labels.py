"""How metrics are named and in which order they stand; a metric that is not listed here comes last, by its id."""

from __future__ import annotations

TITLES = {
    "tmr": "Tracked motion realism",
    "tmr_worst": "Tracked motion realism, worst object",
    "survival": "Object survival",
    "coherence": "Temporal coherence",
    "text": "Text alignment",
    "text_object": "Text alignment, objects",
    "clip_t": "CLIP text alignment",
    "clip_t_object": "CLIP text alignment, objects",
    "viclip_t": "ViCLIP text alignment",
    "viclip_v": "ViCLIP video similarity",
    "cf": "CLIP frame consistency",
    "first_frame": "First frame kept",
    "warp_error": "Warping error",
    "flicker": "Flicker",
    "ad": "Average displacement",
    "ad_norm": "Displacement per diagonal and second",
    "dynamic_degree": "Dynamic degree",
    "fvd": "Fréchet video distance",
    "fvd_split": "Fréchet video distance, split-corrected",
    "kvd": "Kernel video distance",
}
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
_ORDER = {metric: place for place, metric in enumerate(TITLES)}


def order(metric: str) -> tuple[int, str]:
    """Return the sorting key of a metric."""
    return _ORDER.get(metric, len(_ORDER)), metric


def title(metric: str) -> str:
    """Return the metric's name in words, or its id where none is known."""
    return TITLES.get(metric, metric)


def tagged(metric: str, backend: str) -> str:
    """Return `metric[backend]`: unlike backends make unlike numbers, so a number never stands without its own."""
    return f"{metric}[{backend}]" if backend else metric
