"""Write motionbench/data/numerics.json anew: what `motionbench doctor --numerics` compares with.

    python tests/bench/numerics.py [PROFILE ...]

Run it whenever a backend's recipe has been raised. Backends that cannot run here keep their stored values, and so do
those that were measured before an interruption: the file is written after each. For the paper profile:

    motionbench weights make-random DIR --profile paper
    MOTIONBENCH_WEIGHTS_DIR=DIR python tests/bench/numerics.py paper
"""

from __future__ import annotations

import sys
from pathlib import Path

from motionbench import numerics, weights
from motionbench.canonical import dump
from motionbench.doctor import versions
from motionbench.errors import MotionBenchError
from motionbench.profiles import load_profile

TARGET = Path(numerics.__file__).parent / "data" / "numerics.json"


def main() -> None:
    backends = dict(numerics._stored()) if TARGET.exists() else {}
    used = {name: version for name, version in versions().items() if version}
    for name in sys.argv[1:] or ["lite"]:
        for backend, result in numerics.measure(load_profile(name), weights.default_folder()):
            if isinstance(result, MotionBenchError):
                print(f"{backend}: {result.message}", file=sys.stderr)
            else:
                backends[numerics.key(backend, result)] = result
                TARGET.write_bytes(dump(numerics.document(backends, used)))


if __name__ == "__main__":
    main()
