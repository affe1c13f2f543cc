"""Masked self-attention: tokens sorted by object ("gather") against one softmax under a boolean mask ("dense").

    python tests/bench/attention.py [--rounds 7] [--out docs/benchmarks/attention.md]

Three objects cover 12, 15 and 10 % of the tokens, at random places; the rest is background, which is a group as well.
8 heads of 64, float32, one sample, one thread, forward pass. The two take turns and the best of their rounds counts, so
that a machine that becomes busy slows both; short lengths get more rounds. Dense is PyTorch's own
`scaled_dot_product_attention` with the mask made from the ids inside the timed call, as each call of gather sorts the
ids. Memory is the growth of the peak resident size over one call, in a process of its own (Linux). The exit code is 1
if a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from ttm_ref.attention import masked_attention

LENGTHS = (2048, 4096, 8192)
OBJECTS = (0.12, 0.15, 0.10)
HEADS, HEAD_DIM = 8, 64
FASTER, MEMORY_SHARE, MEMORY_GROWTH = 2.0, 0.60, 2.3
"""The bars: gather at least so many times faster; its peak at the longest length at most this share of dense's, and at
most so many times its own at half the length."""


def scene(tokens: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """q, k, v [1, heads, N, d] in the memory order in which a transformer makes them, and ids int64 [1, N]."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, tokens, HEADS, HEAD_DIM, generator=generator).transpose(1, 2) for _ in range(3))
    ids = torch.zeros(tokens, dtype=torch.int64)
    order, start = torch.randperm(tokens, generator=generator), 0
    for label, area in enumerate(OBJECTS, start=1):
        count = round(area * tokens)
        ids[order[start : start + count]] = label
        start += count
    return q, k, v, ids[None]


def gather(q: Tensor, k: Tensor, v: Tensor, ids: Tensor) -> Tensor:
    return masked_attention(q, k, v, ids, ids, kernel="gather")


def dense(q: Tensor, k: Tensor, v: Tensor, ids: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, attn_mask=(ids[:, :, None] == ids[:, None, :])[:, None])


KERNELS = {"gather": gather, "dense": dense}


def seconds(tokens: int, rounds: int) -> tuple[dict[str, float], float]:
    """Best time of each kernel, and their largest difference."""
    inputs = scene(tokens)
    best, outputs = dict.fromkeys(KERNELS, float("inf")), {}
    for _ in range(rounds):
        for name, kernel in KERNELS.items():
            start = time.perf_counter()
            outputs[name] = kernel(*inputs)
            best[name] = min(best[name], time.perf_counter() - start)
    return best, float((outputs["gather"] - outputs["dense"]).abs().max())


def own_peak(name: str, tokens: int) -> float:
    """MiB by which one call raises the peak of this process, which has done nothing large before."""
    KERNELS[name](*scene(64))
    inputs = scene(tokens)
    before = resident("VmRSS")
    KERNELS[name](*inputs)
    return resident("VmHWM") - before


def resident(which: str) -> float:
    """MiB of this process now ("VmRSS") or at most so far ("VmHWM"); getrusage would count the parent's peak too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def peak(name: str, tokens: int) -> float:
    """`own_peak` in a fresh process."""
    command = [sys.executable, __file__, "--peak", name, str(tokens)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def report(rounds: int) -> tuple[list[str], bool]:
    """Lines of Markdown, and whether all bars are met."""
    rows, ratios, peaks = [], [], {}
    for tokens in LENGTHS:
        best, error = seconds(tokens, rounds * LENGTHS[-1] // tokens)
        ratios.append(best["dense"] / best["gather"])
        peaks[tokens] = {name: peak(name, tokens) for name in KERNELS}
        rows.append(
            f"| {tokens} | {best['dense']:.3f} | {best['gather']:.3f} | **{ratios[-1]:.2f}** | "
            f"{peaks[tokens]['dense']:.0f} | {peaks[tokens]['gather']:.0f} | {error:.1e} |"
        )
    longest, half = LENGTHS[-1], LENGTHS[-2]
    share = peaks[longest]["gather"] / peaks[longest]["dense"]
    growth = peaks[longest]["gather"] / peaks[half]["gather"]
    bars = [
        ("dense / gather in time, worst length", min(ratios), f"at least {FASTER}", min(ratios) >= FASTER),
        (f"gather / dense in peak memory at {longest}", share, f"at most {MEMORY_SHARE}", share <= MEMORY_SHARE),
        (f"gather's peak at {longest} / at {half}", growth, f"at most {MEMORY_GROWTH}", growth <= MEMORY_GROWTH),
    ]
    lines = [
        "# Masked self-attention: sorted by object, or under a mask",
        "",
        f"`python tests/bench/attention.py --rounds {rounds}` on {machine()}. Objects of 12, 15 and 10 % of the "
        f"tokens, {HEADS} heads of {HEAD_DIM}, float32, one thread, forward pass; in turns, best of {rounds} (of more "
        "where shorter). Other work on the machine changes the seconds, less so the ratios. Memory: growth of the peak "
        "over one call.",
        "",
        "| tokens | dense, s | gather, s | ratio | dense, MiB | gather, MiB | largest difference |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        "| bar | measured | wanted | |",
        "|---|---|---|---|",
        *(
            f"| {what} | {value:.2f} | {wanted} | {'met' if met else '**missed**'} |"
            for what, value, wanted, met in bars
        ),
        "",
        f"Arithmetic alone would give {1 / sum(a * a for a in (*OBJECTS, 1 - sum(OBJECTS))):.2f}, one over the sum of "
        "the squared shares, as the background attends to itself; the rest is the cost of the mask.",
        "",
    ]
    return lines, all(met for *_, met in bars)


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", nargs=2, metavar=("KERNEL", "TOKENS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        if options.peak:
            print(own_peak(options.peak[0], int(options.peak[1])))
            return
        lines, met = report(options.rounds)
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines), encoding="utf-8")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
