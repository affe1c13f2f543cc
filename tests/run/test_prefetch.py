"""Decoding ahead: the same bytes, each video once, none that is not needed; tested on the CPU, where it is off."""

from __future__ import annotations

import dataclasses
import threading
import typing as t
from pathlib import Path

import numpy as np
import pytest

from motionbench import device, evaluate
from motionbench.device import Device
from motionbench.errors import VideoError
from motionbench.prefetch import MOST, Decoder
from motionbench.types import Clip, Protocol, Video

CLIP = Clip(Video(np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1)), (8, 8), (0, 0, 8, 8), 1, 0.0)


@dataclasses.dataclass
class Tape:
    """Footage that remembers in which threads it was opened."""

    broken: bool = False
    threads: list[str] = dataclasses.field(default_factory=list)
    gate: threading.Event = dataclasses.field(default_factory=threading.Event)

    def load(self, protocol: Protocol) -> Clip:
        self.threads.append(threading.current_thread().name)
        assert self.gate.wait(10)
        if self.broken:
            raise VideoError("broken")
        return CLIP

    def digest(self) -> str:
        return ""


def test_a_video_is_decoded_in_another_thread_and_once() -> None:
    decoder, tape = Decoder(Protocol(), ahead=True), Tape()
    decoder.start("a", lambda: tape)
    decoder.start("a", lambda: pytest.fail("opened twice"))
    tape.gate.set()
    assert decoder.load("a", tape) is CLIP
    assert len(tape.threads) == 1 and tape.threads[0].startswith("decode")
    assert decoder.load("a", tape) is CLIP  # nobody has it ready any more
    assert tape.threads[1] == threading.main_thread().name


def test_what_is_not_needed_is_not_opened_and_errors_come_when_it_is_asked_for() -> None:
    decoder, tape = Decoder(Protocol(), ahead=True), Tape(broken=True)
    tape.gate.set()
    decoder.start("cached", lambda: None)
    decoder.start("broken", lambda: tape)
    with pytest.raises(VideoError, match="broken"):
        decoder.load("broken", tape)
    assert len(tape.threads) == 1


def test_videos_nobody_comes_for_are_let_go() -> None:
    decoder, tapes = Decoder(Protocol(), ahead=True), [Tape() for _ in range(MOST + 2)]
    for number, tape in enumerate(tapes):
        decoder.start(str(number), lambda tape=tape: tape)  # type: ignore[misc]
    for tape in tapes:
        tape.gate.set()
    assert decoder.load("0", tapes[0]) is CLIP
    assert tapes[0].threads[-1] == threading.main_thread().name
    assert decoder.load(str(MOST + 1), tapes[-1]) is CLIP
    assert tapes[-1].threads[0].startswith("decode")


def test_off_there_is_no_thread() -> None:
    decoder, tape = Decoder(Protocol(), ahead=False), Tape()
    tape.gate.set()
    decoder.start("a", lambda: pytest.fail("opened"))
    assert decoder.load("a", tape) is CLIP
    assert tape.threads == [threading.main_thread().name]
    assert [Device(name).apart for name in ("cpu", "cuda", "cuda:1", "mps")] == [False, True, True, False]


def test_a_run_that_decodes_ahead_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motionbench.sources.reference import ShuffledFootage

    def run(name: str, cache: str) -> dict[str, bytes]:
        place, kept = tmp_path / name, tmp_path / cache
        evaluate("shuffle", "synth", "lite", place, metrics=["flicker", "fvd"], limit=3, cache=kept)
        return {file: (place / file).read_bytes() for file in ("run.json", "cases.jsonl")}

    threads: list[str] = []
    real = ShuffledFootage.load

    def load(self: t.Any, protocol: Protocol) -> Clip:
        threads.append(threading.current_thread().name)
        return real(self, protocol)

    monkeypatch.setattr(ShuffledFootage, "load", load)
    plain = run("plain", "a")
    assert threads == [threading.main_thread().name] * 3
    monkeypatch.setattr(Device, "apart", True)
    threads.clear()
    assert run("ahead", "b") == plain
    assert threads[0] == threading.main_thread().name  # nothing is known before the first case
    assert len(threads) == 3 and all(name.startswith("decode") for name in threads[1:])
    threads.clear()
    assert run("warm", "b") == plain
    assert threads == []


@pytest.mark.gpu
def test_a_card_decodes_ahead(tmp_path: Path) -> None:
    device.use(Device("cuda"))
    try:
        run = evaluate("shuffle", "synth", "lite", tmp_path / "run", metrics=["flicker"], limit=2, device="cuda",
                       cache=tmp_path / "cache")  # fmt: skip
        assert run.status == "complete"
    finally:
        device.use(Device())
