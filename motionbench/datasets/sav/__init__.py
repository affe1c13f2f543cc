"""SA-V (Segment Anything Video): the user's own download, in the layout of its train or of its val and test sets.

`load_annotation` reads one annotation file, `find_recordings` lists the videos of a download, `load_list` joins a list
of ids and captions to them, `load_sav` does so for a folder that holds its own list.
"""

from __future__ import annotations

from motionbench.datasets.sav.annotation import Annotation, load_annotation
from motionbench.datasets.sav.cases import is_sav, load_list, load_sav
from motionbench.datasets.sav.listing import SUFFIXES, read_list
from motionbench.datasets.sav.recordings import Recording, find_recordings

__all__ = [
    "SUFFIXES",
    "Annotation",
    "Recording",
    "find_recordings",
    "is_sav",
    "load_annotation",
    "load_list",
    "load_sav",
    "read_list",
]
