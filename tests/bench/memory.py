"""Peak memory of an evaluation of many cases against few.

    python tests/bench/memory.py [--few 100] [--many 1000] [--out docs/benchmarks/memory.md]

Each evaluation runs in a process of its own on the same small scenes, and reports the peak of the resident memory of
itself and of its largest worker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from motionbench.datasets import synth

PROGRAM = """
import json, resource, sys
from motionbench import evaluate
from pathlib import Path
if __name__ == "__main__":
    data, videos, out = map(Path, sys.argv[1:])
    evaluate(videos, data, out=out / "run", cache=out / "cache", workers=2)
    print(json.dumps([resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]))
"""


def dataset(folder: Path, scenes: int, count: int) -> Path:
    """Let `count` cases share the files of `scenes` exported ones; returns a folder of links to their videos."""
    content = json.loads((folder / "cases.json").read_text())
    cases = [{**content["cases"][k % scenes], "id": f"case-{k:05d}"} for k in range(count)]
    (folder / "cases.json").write_text(json.dumps({**content, "cases": cases}))
    videos = folder.parent / f"videos-{count}"
    videos.mkdir()
    for k, case in enumerate(cases):
        (videos / f"{case['id']}.mp4").symlink_to(folder / content["cases"][k % scenes]["reference"])
    return videos


def peak(folder: Path, scenes: int, count: int) -> tuple[float, float]:
    """Peak resident MiB of the main process and of its largest worker."""
    videos = dataset(folder, scenes, count)
    program = folder.parent / "program.py"
    program.write_text(PROGRAM)
    out = folder.parent / f"out-{count}"
    done = subprocess.run([sys.executable, program, folder, videos, out], check=True, capture_output=True, text=True)
    return tuple(kib / 1024 for kib in json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=1000)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = {}
    for count in (options.few, options.many):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "scenes"
            synth.export(data, split="train", count=options.scenes, size=64)
            found[count] = peak(data, options.scenes, count)
    few, many = found[options.few], found[options.many]
    lines = [
        "# Memory",
        "",
        f"`python tests/bench/memory.py --few {options.few} --many {options.many}`, two workers, peak resident memory:",
        "",
        "| cases | main process | largest worker |",
        "|---|---|---|",
        *(f"| {n} | {found[n][0]:.0f} MiB | {found[n][1]:.0f} MiB |" for n in (options.few, options.many)),
        f"| **ratio** | **{many[0] / few[0]:.2f}** | **{many[1] / few[1]:.2f}** |",
        "",
    ]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
