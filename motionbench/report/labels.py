"""How metrics are named and in which order they stand; a metric that is not listed here comes last, by its id."""

from __future__ import annotations

TITLES = {
    "tmr": "Tracked motion realism",
    "tmr_worst": "Tracked motion realism, worst object",
    "stillness": "Realism of what should stand still",
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
    "vbench_subject_consistency": "VBench subject consistency",
    "vbench_flicker": "VBench temporal flickering",
    "fvd_split": "Fréchet video distance, split-corrected",
    "kvd": "Kernel video distance",
    "fvd": "Fréchet video distance",
    "ad": "Average displacement",
    "ad_norm": "Displacement per diagonal and second",
    "dynamic_degree": "Dynamic degree",
    "vbench_dynamic_degree": "VBench dynamic degree",
}
GROUPS = {  # what a reader may want to see together; the first that a metric is in
    "Motion": ("tmr", "tmr_worst", "stillness", "survival", "coherence"),
    "Text": ("text", "text_object", "clip_t", "clip_t_object", "viclip_t"),
    "Picture": ("first_frame", "cf", "warp_error", "flicker", "vbench_subject_consistency", "vbench_flicker"),
    "Distance": ("fvd_split", "kvd", "fvd", "viclip_v"),
    "Amount of motion": ("ad", "ad_norm", "dynamic_degree", "vbench_dynamic_degree"),
}
MAIN = ("tmr", "survival", "coherence", "text", "clip_t", "viclip_t", "first_frame", "fvd_split")
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


def group(metric: str) -> str:
    """Return the group that a metric is shown in; "Other" for a metric that is not listed here."""
    return next((name for name, metrics in GROUPS.items() if metric in metrics), "Other")
