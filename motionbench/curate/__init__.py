"""Choosing a benchmark from a folder of videos by the recipe of SA-V-128 (see `recipe`), with its provenance.

Scores come from the user's table, or are made by networks and kept in `scores.jsonl` (`describe`, `networks`). Written
are `list.json`, the chosen videos with captions, categories and subsets, which `--dataset` reads, and
`provenance.json`: seed, recipe, models, digests of scores, list and videos, and the pool that was drawn from.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

from motionbench import __version__
from motionbench.canonical import dump, write_atomic
from motionbench.curate.describe import Models, describe
from motionbench.curate.recipe import CATEGORIES, Recipe, Scored, choose_pool, draw
from motionbench.curate.scores import Ledger, read_scores, row
from motionbench.datasets.sav import Recording, find_recordings
from motionbench.errors import ConfigError, DataError, VideoError

__all__ = ["Recipe", "Scored", "curate"]

LIST, PROVENANCE = "list.json", "provenance.json"
_SCORES, _SCORING = "scores.jsonl", "scoring.json"
SCHEMA = "motionbench.curation/1"


def curate(
    videos: str | Path,
    out: str | Path,
    recipe: Recipe,
    *,
    scores: str | Path | None = None,
    models: Callable[[], Models] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Path:
    """Choose videos and write the list and its provenance. Same videos, scores and recipe: same bytes.

    Args:
        videos: folder of SA-V in either layout, or of any videos (see `datasets.sav.recordings`).
        out: folder to write. Scores that networks make are kept there, and not made again.
        recipe: how many, and the seed.
        scores: a table of scores (see `curate.scores`); videos that it does not have are no candidates.
        models: makes the networks, where there is no table. Called once, and only if a video has no score yet.
        progress: called after each scored video with how many have a score and how many there are.
        warn: called with what the user should know.

    Returns:
        The path of the list.

    Raises:
        DataError: there are no videos, the table is malformed or scores videos that are not there, or there are too few
            videos to choose from.
        WeightsError, MissingDependency: a network cannot be loaded.
        ConfigError: `out` cannot be written, or holds the scores of other networks; or there are neither scores nor
            models.
    """
    recordings, out = find_recordings(videos), Path(out)
    if not recordings:
        raise DataError(f"there are no videos in {str(videos)!r}", "give a folder of videos, such as a SA-V download")
    if scores is not None:
        candidates, identity = _given(Path(scores), recordings, warn), None
    elif models is not None:
        candidates, identity = _made(recordings, out, models, progress, warn)
    else:
        raise ConfigError("there are neither scores nor models", "give one of them")
    pool = choose_pool(candidates, recipe.pool)
    chosen = draw(pool, recipe)
    listed = dump([_listed(item) for item in chosen])
    record = {
        "schema": SCHEMA,
        "recipe": {
            "pool": recipe.pool,
            "single": recipe.single,
            "multi": recipe.multi,
            "seed": recipe.seed,
            "score": "aesthetic + motion",
            "categories": list(CATEGORIES),
        },
        "models": identity,
        "candidates": len(candidates),
        "scores_sha256": _digest(dump([row(item) for item in sorted(candidates, key=lambda c: c.id)])),
        "pool": [item.id for item in pool],
        "chosen": {item.id: recordings[item.id].footage.digest() for item in chosen},
        "list_sha256": _digest(listed),
        "versions": {"motionbench": __version__},
    }
    write_atomic(out / LIST, [listed])
    write_atomic(out / PROVENANCE, [dump(record)])
    return out / LIST


def _given(path: Path, recordings: Mapping[str, Recording], warn: Callable[[str], None]) -> tuple[Scored, ...]:
    found = read_scores(path)
    strange = [item.id for item in found if item.id not in recordings]
    if strange:
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise DataError(
            f"{len(strange)} of {len(found)} scored videos are not there: {', '.join(strange[:5])}{more}",
            "give the folder that holds the videos, or remove their rows",
        )
    if len(found) < len(recordings):
        warn(f"{len(recordings) - len(found)} of {len(recordings)} videos have no scores and are no candidates")
    return found


def _made(
    recordings: Mapping[str, Recording],
    out: Path,
    models: Callable[[], Models],
    progress: Callable[[int, int], None],
    warn: Callable[[str], None],
) -> tuple[tuple[Scored, ...], Mapping[str, str]]:
    """Score what has no score yet; also returns which models made the scores."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(out / _SCORES)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}", "choose another folder with --out") from error
    loaded = models()
    identity = dict(loaded.identity)
    _same_models(out / _SCORING, identity, bool(ledger.done))
    done = sum(name in ledger.done for name in recordings)
    progress(done, len(recordings))
    for name, recording in recordings.items():
        if name in ledger.done:
            continue
        try:
            ledger.add(describe(recording, loaded))
        except VideoError as error:
            warn(f"{name}: {error.message}; it is no candidate")
        done += 1
        progress(done, len(recordings))
    return tuple(ledger.done[name] for name in recordings if name in ledger.done), identity


def _same_models(path: Path, identity: Mapping[str, str], begun: bool) -> None:
    """Scores of different models are never mixed."""
    if begun:
        try:
            before: t.Any = json.loads(path.read_bytes())
        except (OSError, ValueError):
            before = None
        if before != identity:
            raise ConfigError(
                f"{path.parent} holds scores of other models", "choose another --out, or remove its scores.jsonl"
            )
    else:
        write_atomic(path, [dump(dict(identity))])


def _listed(item: Scored) -> dict[str, t.Any]:
    return {
        "id": item.id,
        "caption": item.caption,
        "short_caption": item.short_caption,
        "category": item.category,
        "subset": item.subset,
        "count": item.objects,
        "motion_capable": list(item.names),
        "aesthetic": item.aesthetic,
        "motion": item.motion,
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
