"""`motionbench doctor`: what works on this machine, and whether it computes what others do."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import AsJson, CacheDir, ProfileName, WeightsDir

Numerics = t.Annotated[
    bool,
    typer.Option("--numerics", help="Run each backend of the profile on two built-in clips and compare."),
]


def doctor(
    numerics: Numerics = False,
    profile: ProfileName = "lite",
    weights_dir: WeightsDir = None,
    cache: CacheDir = None,
    as_json: AsJson = False,
) -> None:
    """Versions, devices, decoder, cache and weights; exit 0 if the profile lite can run."""
    import platformdirs

    from motionbench import doctor as doctors
    from motionbench import weights
    from motionbench.cli.weights import table

    root = weights_dir or weights.default_folder()
    found = doctors.report(root, cache or Path(platformdirs.user_cache_dir("motionbench")))
    found["weights"] = table(root)
    if numerics:
        found["numerics"] = _numerics(profile, root)
    print(json.dumps(found, indent=2, sort_keys=True) if as_json else "\n".join(_lines(found)))
    differs = any(entry["verdict"] == "differs" for entry in found.get("numerics", ()))
    if not found["ok"] or differs:
        raise typer.Exit(4)


def _numerics(profile: str, root: Path) -> list[dict[str, t.Any]]:
    import dataclasses

    from motionbench import numerics
    from motionbench.profiles import load_profile

    return [dataclasses.asdict(finding) for finding in numerics.check(load_profile(profile), root)]


def _lines(found: t.Mapping[str, t.Any]) -> list[str]:
    from motionbench.cli.weights import lines

    devices, decoder, cache = found["devices"], found["decoder"], found["cache"]
    cards = [f"{card['name']} ({card['bytes'] / 1e9:.0f} GB)" for card in devices["cuda"]]
    codec = decoder["libraries"].get("libavcodec", "unknown")
    trip = "round trip ok" if decoder["ok"] else f"broken: {decoder['note']}"
    writable = "writable" if cache["writable"] else f"not writable ({cache['note']})"
    text = [
        f"motionbench {found['motionbench']}, Python {found['python']}, {found['platform']}",
        "versions   "
        + ", ".join(f"{name} {version or '(not installed)'}" for name, version in found["versions"].items()),
        f"devices    {devices['cpu_threads']} CPU threads; CUDA: {', '.join(cards) or devices['note'] or 'none'}",
        f"decoder    PyAV {decoder['pyav']}, FFmpeg {decoder['ffmpeg']} (libavcodec {codec}): {trip}",
        f"cache      {cache['path']}: {writable}, {cache['bytes'] / 1e6:.1f} MB in {cache['files']} files",
        f"weights    {found['weights_dir']}",
        *(f"  {line}" for line in lines(found["weights"])),
    ]
    for name, state in found["profiles"].items():
        text.append(f"profile    {name}: {'can run' if state['ok'] else '; '.join(state['problems'])}")
    return text + _numerics_lines(found.get("numerics"))


def _numerics_lines(findings: list[dict[str, t.Any]] | None) -> list[str]:
    if findings is None:
        return []
    from motionbench.numerics import RTOL

    words = {
        "equal": "the stored values, bit for bit",
        "close": f"the stored values within {RTOL:g} (relative)",
        "differs": f"DIFFERS from the stored values by more than {RTOL:g} (relative)",
        "not stored": "runs; no stored values to compare with",
        "not available": "cannot run",
    }
    text = ["numerics   two clips of 16 frames at 64 x 64"]
    for entry in findings:
        largest = "" if entry["difference"] in (None, 0.0) else f", largest difference {entry['difference']:.1e}"
        note = f" ({entry['note']})" if entry["note"] else ""
        text.append(f"  {entry['backend']}: {words[entry['verdict']]}{largest}{note}")
    return text
