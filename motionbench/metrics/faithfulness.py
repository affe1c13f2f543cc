"""Is the generated video faithful to its input? `first_frame`: does it start with the picture that it was given?

Definition: the SSIM between frame 0 and the case's picture, after the picture was carried into the clip by the input
match (uniform scale and translation) and over the part of the frame that it covers.
Source: Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861; window and constants are those of the backend.
Range: -1 to 1, 1 for equal pixels; higher is better.
Components: scale, dx, dy, ncc of the match, so that a crop, an outpainted border or another picture can be told apart.
Failure modes: a system that never shows its input scores low here and is registered somewhere by chance (see ncc); a
small shift that the match cannot express, colour processing and compression lower it too. It says nothing about the
frames after the first.
"""

from __future__ import annotations

import math

from motionbench.errors import NotApplicable
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Metric, Need, Values


def _first_frame(view: CaseView) -> Values:
    value = float(view.generated.roles["photometric"]["ssim"][0])
    if not math.isfinite(value):
        raise NotApplicable("no part of the input picture lies inside the frame")
    match = view.generated.match
    return {"value": value, "scale": match.scale, "dx": match.dx, "dy": match.dy, "ncc": match.ncc}


FIRST_FRAME = Metric(
    "first_frame",
    1,
    (Need("photometric"),),
    _first_frame,
    reduce_mean,
    "",
    "higher",
    "similarity (SSIM) of the first frame to the input picture",
)
