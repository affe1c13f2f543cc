"""From a cosine to a probability: how likely is it that a text belongs, rather than one that is wrong in one point?

Platt's logistic (Platt 1999): p = 1 / (1 + exp(-(slope * cosine + offset))), fitted on held-out scenes to true texts
against false ones, both classes weighing the same. Captions: against the caption with one false clause, and against
the frozen video. Object prompts: against a false prompt, another object's prompt, and the frozen video.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from motionbench.backends.video_text.network import DualEncoder
from motionbench.backends.video_text.words import Vocabulary
from motionbench.training.contrast import Phrases, telling
from motionbench.training.views import Scenes, view

Logistic = tuple[float, float]


def fit_logistic(cosines: NDArray[np.float64], true: NDArray[np.bool_]) -> Logistic:
    """Slope and offset of the logistic of least log loss, both classes weighing the same."""
    weight = np.where(true, 0.5 / max(1, int(true.sum())), 0.5 / max(1, int((~true).sum())))
    sign = np.where(true, 1.0, -1.0)

    def cost(at: NDArray[np.float64]) -> float:
        return float(np.sum(weight * np.logaddexp(0.0, -sign * (at[0] * cosines + at[1]))))

    found = minimize(cost, np.array([5.0, -2.5]), method="BFGS").x
    return float(found[0]), float(found[1])


class _Cases:
    """Cosines of texts, and whether they are true."""

    def __init__(self) -> None:
        self.cosines: list[float] = []
        self.true: list[bool] = []

    def add(self, cosine: float, true: bool) -> None:
        self.cosines.append(cosine)
        self.true.append(true)

    def fit(self) -> Logistic:
        return fit_logistic(np.array(self.cosines), np.array(self.true))


def calibrate(model: DualEncoder, scenes: Scenes, first: int, vocabulary: Vocabulary) -> tuple[Logistic, Logistic]:
    """The logistics of captions and of object prompts, from held-out training scenes numbered from `first`."""
    rng, phrases, count = np.random.default_rng(first), Phrases(vocabulary), len(scenes)
    told = [telling(first + i, "train", phrases, rounds=1) for i in range(count)]
    batch = view(scenes, range(count), [(i, False) for i in range(count)])
    with torch.inference_mode():
        tokens, vectors = model.video(*batch.inputs()), model.text(phrases.table()[0])
        cosines = torch.einsum("vkd,pd->vkp", tokens, vectors)
    best = cosines.masked_fill(~batch.real().view(len(tokens), -1)[..., None], -1.0).amax(1)
    captions, singles = _Cases(), _Cases()
    for i, one in enumerate(told):
        said = [*one.objects, *(clause for _, clause, _ in one.rest)]
        captions.add(float(best[i, said].mean()), True)
        captions.add(float(best[count + i, said].mean()), all(one.still) and all(fixed for *_, fixed in one.rest))
        place = int(rng.integers(len(one.objects)))
        false = [c for c in one.wrong[place] if c not in one.objects]
        changed = list(said)
        changed[place] = int(rng.choice(false))
        captions.add(float(best[i, changed].mean()), False)
        for k, clause in enumerate(one.objects):
            singles.add(float(cosines[i, k, clause]), True)
            others = [c for c in (*one.wrong[k], *one.objects) if c != clause]
            singles.add(float(cosines[i, k, int(rng.choice(others))]), False)
            singles.add(float(cosines[count + i, k, clause]), one.still[k])
    return captions.fit(), singles.fit()
