"""Broken, hostile and odd files: one line each, nothing on stderr, nothing else opened."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import av
import numpy as np
import pytest

from motionbench.errors import VideoError
from motionbench.types import Protocol
from motionbench.video import load_video, probe

FORMATS = [
    ("a.mp4", "libx264", "yuv420p"),
    ("a.mkv", "libx264", "yuv420p"),
    ("a.webm", "libvpx-vp9", "yuv420p"),
    ("a.avi", "mpeg4", "yuv420p"),
    ("a.gif", "gif", "rgb8"),
]


def refused(path: Path, protocol: Protocol | None = None) -> str:
    with pytest.raises(VideoError) as caught:
        load_video(path, protocol) if protocol else load_video(path)
    message = str(caught.value)
    assert "\n" not in message + caught.value.hint
    assert path.name in message
    return message


def test_missing_empty_and_text(tmp_path: Path) -> None:
    assert "there is no video" in refused(tmp_path / "none.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "0 bytes" in refused(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("hello\n" * 1000)
    assert "no video" in refused(tmp_path / "text.mp4")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    refused(tmp_path / "noise.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a file" in refused(tmp_path / "pipe.mp4")


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.rate, frame.pts = 44100, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert "no video stream (it has: audio)" in refused(path)


@pytest.mark.parametrize(("name", "codec", "pixels"), FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8, 0.97])
def test_cut_off_files_never_pass_as_whole(
    name: str, codec: str, pixels: str, part: float, scene: t.Any, write: t.Any
) -> None:
    frames = scene(24) ^ np.random.default_rng(0).integers(0, 32, (24, 48, 64, 3), dtype=np.uint8)
    path = write(name, frames, codec, pixels)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    refused(path)


def faststart(path: Path) -> Path:
    moved = path.with_name("fast.mp4")
    with av.open(str(path)) as source, av.open(str(moved), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return moved


def test_cut_off_behind_the_frames_that_are_needed(scene: t.Any, write: t.Any) -> None:
    path = faststart(write("a.mp4", scene(24), options={"bf": "0"}))
    whole = load_video(path)
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    assert "cut off" in refused(path)
    assert "of 24 frames" in refused(path)
    assert probe(path).cut_off
    few = load_video(path, Protocol(frames=8, size=64, multiple=1, letterbox="keep"))
    assert np.array_equal(few.video.frames, whole.frames[:8])
    refused(path, Protocol(frames=24, size=64))


def test_damage_that_the_decoder_sees(write: t.Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    path = write("a.avi", noise, "mpeg4")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    for at in range(middle, middle + 200):
        content[at] ^= 0x5A
    path.write_bytes(content)
    assert "damaged" in refused(path)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        'mimeType="video/mp4"><Representation id="1"><BaseURL>{path}</BaseURL></Representation></AdaptationSet>'
        "</Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        ";FFMETADATA1\ntitle=x\n",
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.ffconcat", "a.sdp"])
def test_playlists_open_nothing(
    content: str, name: str, scene: t.Any, write: t.Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write("secret.mp4", scene())
    path = tmp_path / name
    path.write_text(content.format(path=target))
    opened: list[str] = []
    original = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self.name) or original(self, *a, **k))
    before = target.stat().st_atime_ns
    refused(path)
    assert set(opened) == {name}
    assert target.stat().st_atime_ns == before


@pytest.mark.parametrize(
    "name",
    [
        "with space.mp4",
        "quote'\".mp4",
        "ünïcødé-视频.mp4",
        "-dash.mp4",
        "%d.mp4",
        "%05d.mp4",
        "file:x.mp4",
        "concat:a|b.mp4",
        "http:x.mp4",
        "<script>.mp4",
        "no-suffix",
        "picture.png",
        "*.mp4",
    ],
)
def test_names_are_only_names(name: str, scene: t.Any, write: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write("made.mp4", scene())
    path = made.rename(made.with_name(name))
    assert len(load_video(path).frames) == 10
    monkeypatch.chdir(path.parent)
    assert len(load_video(name).frames) == 10


def test_ffmpeg_writes_nothing(scene: t.Any, write: t.Any, tmp_path: Path) -> None:
    broken = write("a.mp4", scene(24))
    broken.write_bytes(broken.read_bytes()[:1500])
    odd = write("b.avi", scene(12), "mpeg4")
    content = bytearray(odd.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    odd.write_bytes(content)
    code = (
        "import sys\nfrom motionbench.video import load_video\nfrom motionbench.errors import VideoError\n"
        "for path in sys.argv[1:]:\n try:\n  load_video(path)\n except VideoError:\n  pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code, broken, odd], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_too_large_frames(scene: t.Any, write: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from motionbench.video import painter

    path = write("a.mp4", scene())
    monkeypatch.setattr(painter, "MAX_PIXELS", 1000)
    assert "64x48" in refused(path)


def test_unknown_codec(scene: t.Any, write: t.Any) -> None:
    path = write("a.mp4", scene())
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"free"))
    refused(path)
