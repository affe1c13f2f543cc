"""What the field measures with CLIP and ViCLIP: `cf`, `clip_t`, `clip_t_object`, `viclip_t`, `viclip_v`.

f_t is the unit CLIP vector of frame t, p that of the caption, v and r are the unit ViCLIP vectors of the generated and
of the reference video, q that of the caption in ViCLIP's space.

`cf`: CLIP frame consistency, mean over t of cos(f_t, f_{t+1}) (TTM, arXiv 2501.03059; EvalCrafter, arXiv 2310.11440).
Failure modes: a frozen video scores 1, and more motion scores less; read it beside `tmr` and `ad`.

`clip_t`: mean over t of cos(f_t, p). Failure modes: it sees nouns, hardly verbs, and no order of frames.

`clip_t_object`: for each object, mean over the frames in which its mask is visible of cos(crop, its own prompt); mean
over objects. `objects` has each one's value and `margin`, its cosine minus the largest with another object's prompt:
negative where the object looks more like another one.

`viclip_t`: cos(v, q). `viclip_v`: cos(v, r), the paired likeness of content and motion that TTM reports.

All are cosines: -1 to 1, higher is better, and only comparable within one backend. CLIP's of a true pair are about 0.3.
"""

from __future__ import annotations

import math

import numpy as np

from motionbench.errors import NotApplicable, VideoError
from motionbench.metrics.vectors import cosines
from motionbench.stats import reduce_mean
from motionbench.types import Array, CaseView, Metric, Need, Values


def _cf(view: CaseView) -> Values:
    frames = view.generated.roles["clip_image"]["frames"]
    if len(frames) < 2:
        raise VideoError("the video has 1 frame, its consistency needs at least 2")
    return {"value": float(cosines(frames[:-1], frames[1:]).mean())}


def _clip_t(view: CaseView) -> Values:
    roles = view.generated.roles
    return {"value": float(cosines(roles["clip_image"]["frames"], roles["clip_text"]["caption"]).mean())}


def _clip_t_object(view: CaseView) -> Values:
    seen, prompts = view.generated.roles["clip_objects"], view.generated.roles["clip_text"]["objects"]
    objects = [
        {"object_id": int(key), **_against(crops[visible], prompts, k)}
        for k, (key, crops, visible) in enumerate(zip(seen["object_ids"], seen["crops"], seen["visible"], strict=True))
    ]
    values = [float(o["value"]) for o in objects if o["value"] is not None]
    if not values:
        raise NotApplicable("no object is visible in any frame")
    return {"value": math.fsum(values) / len(values), "worst": min(values), "objects": objects}


def _against(crops: Array, prompts: Array, own: int) -> Values:
    """An object's crops [T', D] against all prompts [K, D], of which number `own` is its own."""
    if not len(crops):
        return {"value": None, "margin": None, "frames": 0}
    all_of_them = np.array([cosines(crops, prompt).mean() for prompt in prompts])
    others = np.delete(all_of_them, own)
    margin = float(all_of_them[own] - others.max()) if len(others) else None
    return {"value": float(all_of_them[own]), "margin": margin, "frames": len(crops)}


def _viclip_t(view: CaseView) -> Values:
    found = view.generated.roles["video_text"]
    return {"value": float(cosines(found["video"], found["text"]))}


def _viclip_v(view: CaseView) -> Values:
    assert view.reference is not None
    one, two = (side.roles["video_text"]["video"] for side in (view.generated, view.reference))
    return {"value": float(cosines(one, two))}


def _metric(id_: str, needs: tuple[Need, ...], measure: object, title: str, masks: bool = False) -> Metric:
    return Metric(id_, 1, needs, measure, reduce_mean, "", "higher", title, masks=masks)  # type: ignore[arg-type]


_VIDEO = Need("video_text")

CF = _metric("cf", (Need("clip_image"),), _cf, "CLIP frame consistency")
CLIP_T = _metric("clip_t", (Need("clip_image"), Need("clip_text")), _clip_t, "CLIP cosine of frames and caption")
CLIP_T_OBJECT = _metric(
    "clip_t_object",
    (Need("clip_objects"), Need("clip_text")),
    _clip_t_object,
    "CLIP cosine of each object and its own prompt",
    masks=True,
)
VICLIP_T = _metric("viclip_t", (_VIDEO,), _viclip_t, "ViCLIP cosine of video and caption")
VICLIP_V = _metric(
    "viclip_v", (_VIDEO, Need("video_text", "reference")), _viclip_v, "ViCLIP cosine of generated and real video"
)
