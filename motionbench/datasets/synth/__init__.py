"""MotionBench-Synth: procedural scenes with exact ground truth, the default dataset.

`render` makes any scene, `dataset` lists the 128 test cases, `verify` compares this machine's bytes with the shipped
manifest, `export` writes scenes in the folder format, `redraw` draws a scene's motion anew under the same prompts.
"""

from __future__ import annotations

from motionbench.datasets.synth.benchmark import NAME, VERSION, dataset, manifest, verify
from motionbench.datasets.synth.exporting import export
from motionbench.datasets.synth.scene import Scene, redraw, render

__all__ = ["NAME", "VERSION", "Scene", "dataset", "export", "manifest", "redraw", "render", "verify"]
