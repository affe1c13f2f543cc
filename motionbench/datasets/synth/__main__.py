"""`python -m motionbench.datasets.synth`: render all test cases and rewrite the shipped manifest.

Only for developers who changed the generator on purpose, which also raises the version of the dataset.
"""

from __future__ import annotations

from pathlib import Path

from motionbench.datasets.synth.benchmark import MANIFEST, write_manifest


def main() -> None:
    """Rewrite motionbench/data/synth-VERSION.json in this checkout."""
    folder = Path(__file__).resolve().parents[2] / "data"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(write_manifest(), encoding="utf-8")


if __name__ == "__main__":
    main()
