"""Object masks of frame 0, carried through the clip by flow."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.classical.seeds import inset
from motionbench.errors import NotApplicable
from motionbench.types import Backend, Features, Inputs

SPREAD = 8.0
SOFT = 2.0
PULL = 0.5
BOX = 7
EXPLAINED = 0.5
C1 = (0.01 * 255.0) ** 2
C2 = (0.03 * 255.0) ** 2

Plane = NDArray[np.float32]


def _warp(image, field, grid):
    at = grid + field
    return cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _box(x):
    return cv2.boxFilter(x, -1, (BOX, BOX), borderType=cv2.BORDER_REFLECT)


def _alike(a, b, ma, va):
    mb = _box(b)
    vb = _box(b * b) - mb * mb
    cov = _box(a * b) - ma * mb
    l = (2 * ma * mb + C1) / (ma * ma + mb * mb + C1)
    cs = (2 * cov.sum(-1) + 3 * C2) / ((va + vb).sum(-1) + 3 * C2)
    return l.mean(-1) * cs


def _extend(field, weight):
    """Normalised convolution."""
    small = (weight.shape[1] // 2, weight.shape[0] // 2)
    w = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    f = cv2.resize(field * weight[..., None], small, interpolation=cv2.INTER_AREA)
    s = SPREAD / 2
    near = cv2.GaussianBlur(f, (0, 0), s), cv2.GaussianBlur(w, (0, 0), s)
    total = max(float(w.sum()), 1e-6)
    mean = f.sum((0, 1)) / total
    out = (near[0] + 1e-4 * mean) / (near[1] + 1e-4)[..., None]
    return cv2.resize(out.astype(np.float32), (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)


def carry(frames, masks0, uv, uv_back):
    K, H, W = masks0.shape
    T = len(frames)
    grid = np.stack(np.meshgrid(np.arange(W, dtype=np.float32), np.arange(H, dtype=np.float32)), -1)
    out = np.zeros((K, T, H, W), bool)
    out[:, 0] = masks0
    pics = [f.astype(np.float32) for f in frames]
    for t in range(T - 1):
        b, f = uv_back[t], uv[t]
        ff = _warp(f, b, grid)
        closes = ((b + ff) ** 2).sum(-1) < 0.01 * ((b**2).sum(-1) + (ff**2).sum(-1)) + 0.5
        now = pics[t + 1]
        ma = _box(now)
        va = _box(now * now) - ma * ma
        flow_alike = np.where(closes, _alike(now, _warp(pics[t], b, grid), ma, va), -1)
        m = out[:, t]
        layers = [~m.any(0), *m]
        hyps = []
        for plane in layers:
            p = plane.astype(np.float32)
            core = _warp(inset(plane).astype(np.float32), b, grid) * closes
            if core.sum() < 1:
                hyps.append(None)
                continue
            field = _extend(b, core)
            s = _warp(p, field, grid)
            hyps.append((field, s, _alike(now, _warp(pics[t], field, grid), ma, va)))
        for k in range(K):
            if hyps[k + 1] is None:
                continue
            _, s, e = hyps[k + 1]
            rest = np.full((H, W), -np.inf, np.float32)
            for j in range(K + 1):
                if j == k + 1 or hyps[j] is None:
                    continue
                fj, sj, ej = hyps[j]
                if j and (m[j - 1] & m[k]).any():
                    sj = _warp((m[j - 1] & ~m[k]).astype(np.float32), fj, grid)
                rest = np.maximum(rest, np.where(sj > 0.5, ej, -np.inf))
            # distances
            dk, dr = 1 - e, 1 - rest
            edge = np.where(np.isfinite(rest), (dr - dk) / (dr + dk + 0.05), 0)
            soft = cv2.GaussianBlur(s, (0, 0), SOFT)
            member = soft - 0.5 + PULL * edge > 0
            member &= soft > 0.1
            known = (np.maximum(e, flow_alike) > EXPLAINED).astype(np.float32)
            member &= cv2.blur(known, (5, 5)) > 0.5
            member = cv2.medianBlur(member.astype(np.uint8), 5) > 0
            out[k, t + 1] = member
    return out


def masks(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """values bool [K, T, H, W]; object_ids int64 [K]."""
    if inputs.masks0 is None:
        raise NotApplicable("the case has no object masks", "Give masks of the objects in the first frame.")
    flow = upstream["flow"]
    with single_thread():
        values = carry(inputs.clip.video.frames, inputs.masks0, flow["uv"], flow["uv_back"])
    return {"values": values, "object_ids": inputs.object_ids}


CARRIED_MASKS = Backend(
    name="carried",
    role="masks",
    recipe=1,
    load=lambda: masks,
    requires=("tracks", "flow"),
    inputs=("masks",),
    min_frames=2,
)
