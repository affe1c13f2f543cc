"""Does the video show what the prompt says? `text` for the caption, `text_object` for each object under its mask.

The backend of the role `video_text` gives vectors of length 1 for the video and for the text, and the logistic that
turns their cosine into the probability that the text belongs to the video, rather than one that is wrong in one point.

`text` = 1 / (1 + exp(-(slope cos(video, text) + offset))) for the caption. `text_object` = the same for each object
prompt against what is seen of that object, mean over objects.
Range 0 to 1, higher is better. Components: `cosine`; `unknown`, words of the prompts that the backend does not know;
for `text_object` also `worst` and `objects` (object_id, value, cosine).

How to read it: a true prompt scores near the reference's value, which stands beside it in every table. A frozen video
scores clearly less than its reference, though not 0: ground, colours and shapes are right, only motion is not
(docs/text.md has the numbers). Source of the logistic: Platt 1999, "Probabilistic outputs for support vector machines".

Failure modes: it is no better than its backend, knows only what that was trained on, and says nothing about beauty,
consistency or anything that the prompt does not mention; an object that its mask has lost is judged by what lies there;
the mean over clauses hides a single wrong object (read `text_object` and its `worst`).
"""

from __future__ import annotations

import math

import numpy as np

from motionbench.errors import NotApplicable
from motionbench.stats import reduce_mean
from motionbench.types import Array, CaseView, Features, Metric, Need, Values


def cosine(a: Array, b: Array) -> float:
    """Cosine of two vectors [D], in [-1, 1]; 0 where one of them has no length."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    length = math.sqrt(float(x @ x) * float(y @ y))
    return min(1.0, max(-1.0, float(x @ y) / length)) if length > 0.0 else 0.0


def probability(value: float, logistic: Array) -> float:
    """The logistic of a cosine; `logistic` holds slope and offset [2]. In (0, 1)."""
    return 1.0 / (1.0 + math.exp(-min(500.0, max(-500.0, float(logistic[0]) * value + float(logistic[1])))))


def _role(view: CaseView) -> Features:
    found = view.generated.roles["video_text"]
    if "logistic" not in found:
        raise NotApplicable("this profile's video_text backend says what is alike, not how likely it belongs")
    return found


def _text(view: CaseView) -> Values:
    role = _role(view)
    found = cosine(role["video"], role["text"])
    return {"value": probability(found, role["logistic"][0]), "cosine": found, "unknown": int(role["unknown"][0])}


def _text_object(view: CaseView) -> Values:
    role = _role(view)
    if not len(role["objects"]):
        raise NotApplicable("the case has no objects")
    objects = []
    for thing, seen, said in zip(view.case.objects, role["objects"], role["object_texts"], strict=True):
        found = cosine(seen, said)
        objects.append({"object_id": thing.id, "value": probability(found, role["logistic"][1]), "cosine": found})
    values = [float(o["value"]) for o in objects]
    return {
        "value": math.fsum(values) / len(values),
        "worst": min(values),
        "unknown": int(role["unknown"][1]),
        "objects": objects,
    }


TEXT = Metric(
    "text",
    1,
    (Need("video_text"),),
    _text,
    reduce_mean,
    "",
    "higher",
    "probability that the caption belongs to the video",
    masks=True,
)
TEXT_OBJECT = Metric(
    "text_object",
    1,
    (Need("video_text"),),
    _text_object,
    reduce_mean,
    "",
    "higher",
    "probability that each object's prompt belongs to what is seen of it",
    masks=True,
)
