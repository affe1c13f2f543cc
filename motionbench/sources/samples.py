"""Several samples of a case in a folder: which file is which sample of which case.

A case's samples are named `<case id>-<k>.mp4` or `<case id>/<k>.mp4`, k a whole number. Where no file is named after
its id, the case's caption stands for it, whole or cut to 180 characters: `{prompt}-{k}.mp4` is how VBench names videos.
A file that is named exactly after a case belongs to that case and is no sample of another one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

from motionbench.canonical import show
from motionbench.errors import DataError

PROMPT_CUT = 180  # characters of a prompt that VBench-2.0 keeps in a file name
_SAMPLE = re.compile(r"(?P<stem>.+)[-/](?P<number>[0-9]{1,6})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a folder holds for the cases of a dataset.

    Attributes:
        samples: case id to its files in the order of their numbers; one file where the case has no samples.
        clashes: case id to files that claim the same place: two for one sample, or a whole one beside samples.
        extra: files that belong to no case.
    """

    samples: Mapping[str, tuple[str, ...]]
    clashes: Mapping[str, tuple[str, ...]]
    extra: tuple[str, ...]


def claim(files: Mapping[str, tuple[str, ...]], captions: Mapping[str, str]) -> Claims:
    """Give each file to the case that it is named after.

    Args:
        files: name without ending, in NFC, to the files of that name; of a file in a subfolder "<folder>/<name>".
        captions: case id to caption, "" where it may not name a video.

    Raises:
        DataError: a file could belong to two cases.
    """
    numbered = _numbered(files, {key(case_id) for case_id in captions})
    there = files.keys() | numbered.keys()
    names = {case_id: key(case_id) for case_id in captions}
    names |= _by_caption({i: captions[i] for i, name in names.items() if name not in there}, there)
    samples: dict[str, tuple[str, ...]] = {}
    clashes: dict[str, tuple[str, ...]] = {}
    used: set[str] = set()
    for case_id, name in names.items():
        whole, parts = files.get(name, ()), numbered.get(name, {})
        everything = (*whole, *(file for number in sorted(parts) for file in parts[number]))
        used.update(everything)
        if len(whole) > 1 or (whole and parts) or any(len(some) > 1 for some in parts.values()):
            clashes[case_id] = everything
        elif everything:
            samples[case_id] = everything
    extra = (file for some in files.values() for file in some if file not in used and not file.startswith("."))
    return Claims(samples, clashes, tuple(sorted(extra)))


def key(name: str) -> str:
    """A name in NFC: the two ways to write an accent are one name."""
    return unicodedata.normalize("NFC", name)


def _by_caption(captions: Mapping[str, str], there: Set[str]) -> dict[str, str]:
    """Case id to the caption that names its videos, for cases with such videos."""
    owners: dict[str, list[str]] = defaultdict(list)
    for case_id, caption in captions.items():
        for text in {key(caption), key(caption[:PROMPT_CUT])} & there:
            owners[text].append(case_id)
    for text, ids in sorted(owners.items()):
        if len(ids) > 1:
            raise DataError(
                f"videos named {show(repr(text), 60)} could belong to {len(ids)} cases: {show(', '.join(ids), 60)}",
                "these cases share a caption: name their videos <case id>-0.mp4",
            )
    return {ids[0]: text for text, ids in owners.items()}


def _numbered(files: Mapping[str, tuple[str, ...]], exact: set[str]) -> Mapping[str, Mapping[int, list[str]]]:
    """Stem to number to files, for names that end in a number and are not themselves a case's name."""
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, some in files.items():
        match = _SAMPLE.fullmatch(name)
        if match and name not in exact:
            found[match["stem"]][int(match["number"])].extend(some)
    return found
