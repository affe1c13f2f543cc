"""One of two processes: its share of the cases, and what it computes together with the other; for several shares."""

import json
import sys
from pathlib import Path

import cv2
import torch
import torch.distributed as dist

from motionbench.streaming import FVD, KVD, TMR
from motionbench.video import load_video

material, meeting, rank, shares = sys.argv[1:]
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2)
root = Path(material)
profile = root / "profile.toml"
metrics = {kind.metric_id: kind(profile=profile, cache=root / "cache") for kind in (FVD, KVD, TMR)}


def tensor(path):
    return torch.from_numpy(load_video(path).frames.copy()).permute(0, 3, 1, 2)[None]


for share in json.loads(shares):
    for k in share:
        made, real = tensor(root / "videos" / f"case {k}.mp4"), tensor(root / "data" / str(k) / "real.mp4")
        mask = torch.from_numpy(cv2.imread(str(root / "data" / str(k) / "masks" / "00000.png"), 0) > 0)[None, None]
        for name in ("fvd", "kvd"):
            metrics[name].update(made, real, ids=[f"case {k}"])
        metrics["tmr"].update(made, mask, real, ids=[f"case {k}"])
    print(json.dumps({name: metric.compute().item() for name, metric in metrics.items()}))
    for metric in metrics.values():
        metric.reset()
dist.destroy_process_group()
