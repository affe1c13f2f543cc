"""The next video is decoded in a thread while a card works on this one.

Only that which would be decoded anyway: a video whose geometry is in the cache is not opened. What comes out is what
`Footage.load` returns or raises, so nothing but the waiting changes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from motionbench.types import Clip, Footage, Protocol

MOST = 2  # videos that wait at once: a case's reference and the next case's video


class Decoder:
    """Decodes videos, ahead of time where it was told to.

    Args:
        protocol: of all videos.
        ahead: False makes `start` do nothing, and no thread is ever begun.
    """

    def __init__(self, protocol: Protocol, *, ahead: bool) -> None:
        self.protocol = protocol
        self._thread = ThreadPoolExecutor(1, "decode") if ahead else None
        self._waiting: dict[str, Future[Clip | None]] = {}

    def start(self, key: str, open_: Callable[[], Footage | None]) -> None:
        """Begin to decode a video.

        Args:
            key: what `load` will ask for.
            open_: called in the thread; None where the video is not needed.
        """
        if self._thread is None or key in self._waiting:
            return
        while len(self._waiting) >= MOST:  # nobody came for the oldest: its case failed before
            self._waiting.pop(next(iter(self._waiting))).cancel()

        def work() -> Clip | None:
            footage = open_()
            return None if footage is None else footage.load(self.protocol)

        self._waiting[key] = self._thread.submit(work)

    def load(self, key: str, footage: Footage) -> Clip:
        """The decoded video; waits for the thread if it is at it.

        Raises:
            VideoError: it cannot be decoded.
        """
        waiting = self._waiting.pop(key, None)
        clip = None if waiting is None else waiting.result()
        return footage.load(self.protocol) if clip is None else clip
