"""What the 128 test scenes of synth contain: `python tests/bench/synth_statistics.py` prints the tables of the docs."""

from __future__ import annotations

import typing as t
from collections import Counter

import numpy as np

from motionbench.datasets.synth import render

CASES = 128
STILL = ("still",)


def object_row(scene: t.Any, number: int) -> dict[str, t.Any]:
    """One object of a scene: its instruction, its speed (mean over its points and frames, px per frame, camera
    included), and how many of its points are covered by something nearer inside the frame, or leave it."""
    actor, tracks = scene.layout.actors[number], scene.tracks
    mine = tracks.object_ids == number + 1
    xy, visible = tracks.xy[mine].astype(np.float64), tracks.visible[mine]
    inside = ((xy > -0.5) & (xy < scene.video.frames.shape[1] - 0.5)).all(axis=-1)
    return {
        "kind": actor.move.kind,
        "noun": actor.look.noun,
        "speed": float(np.sqrt((np.diff(xy, axis=1) ** 2).sum(axis=-1)).mean()),
        "tracks": len(xy),
        "occluded": int((inside & ~visible).any(axis=1).sum()),
        "left": int((~inside).any(axis=1).sum()),
    }


def statistics() -> dict[str, t.Any]:
    """Counts, speeds and occlusion over the test split."""
    rows, cameras, scenarios, sizes, twins, flow = [], Counter(), Counter(), Counter(), 0, []
    for index in range(CASES):
        scene = render(index)
        layout = scene.layout
        cameras[layout.camera.kind] += 1
        scenarios[layout.subset, layout.scenario] += 1
        sizes[len(layout.actors)] += 1
        twins += any(actor.twin for actor in layout.actors)
        flow.append(float(np.sqrt((scene.flow.uv.astype(np.float64) ** 2).sum(axis=-1)).mean()))
        rows += [object_row(scene, number) for number in range(len(layout.actors))]
    moving = np.array([row["speed"] for row in rows if row["kind"] not in STILL])
    tracks = sum(row["tracks"] for row in rows)
    return {
        "objects": rows,
        "cameras": cameras,
        "scenarios": scenarios,
        "sizes": sizes,
        "twins": twins,
        "speeds": np.quantile(moving, [0.1, 0.25, 0.5, 0.75, 0.9]),
        "moving": len(moving),
        "tracks": tracks,
        "occluded": sum(row["occluded"] for row in rows) / tracks,
        "left": sum(row["left"] for row in rows) / tracks,
        "flow": np.quantile(flow, [0.1, 0.5, 0.9]),
    }


def main() -> None:
    """Print the tables as Markdown."""
    found = statistics()
    print("| objects in a scene | scenes |\n|---|---|")
    for count, scenes in sorted(found["sizes"].items()):
        print(f"| {count} | {scenes} |")
    print("\n| subset | scenario | scenes |\n|---|---|---|")
    for (subset, scenario), scenes in sorted(found["scenarios"].items(), key=lambda item: (item[0][0], -item[1])):
        print(f"| {subset} | {scenario} | {scenes} |")
    print("\n| instruction | objects | median speed, px/frame |\n|---|---|---|")
    kinds = Counter(row["kind"] for row in found["objects"])
    for kind, count in kinds.most_common():
        speed = np.median([row["speed"] for row in found["objects"] if row["kind"] == kind])
        print(f"| {kind} | {count} | {speed:.2f} |")
    low, lower, median, upper, high = found["speeds"]
    print(f"\n- cameras: {', '.join(f'{kind} {count}' for kind, count in found['cameras'].most_common())}")
    print(f"- scenes with look-alike twins: {found['twins']}")
    print(f"- speed of the {found['moving']} moving objects: median {median:.2f} px/frame")
    print(f"  (10 %, 25 %, 75 %, 90 %: {low:.2f}, {lower:.2f}, {upper:.2f}, {high:.2f})")
    print(f"- object tracks: {found['tracks']}; occluded at some time {100 * found['occluded']:.1f} %,")
    print(f"  outside the frame at some time {100 * found['left']:.1f} %")
    tenth, half, ninth = found["flow"]
    print(f"- mean length of the exact flow, median scene: {half:.2f} px/frame (10 %, 90 %: {tenth:.2f}, {ninth:.2f})")


if __name__ == "__main__":
    main()
