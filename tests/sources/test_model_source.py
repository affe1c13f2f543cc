"""A model as a source: generated once, scored as written, kept only while it is provably the answer."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionbench.errors import ConfigError, DataError, ModelError, PluginError, VideoError
from motionbench.sources import case_seed, first_masks, make_request, open_source
from motionbench.types import Masks, Object, Protocol
from motionbench.video import load_video

from .conftest import Counting, MemoryMasks, case_of, dataset_of

PROTOCOL = Protocol(frames=4, size=48)
CASES = [case_of(name, seed=k) for k, name in enumerate(["a", "b b", "ü<'\">"])]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.txt"
    path.touch()
    return path


def open_counting(tmp_path: Path, log: Path, **options):
    """As the command line would: by name, from a module."""
    name = f"counting_model_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "import numpy as np\nfrom pathlib import Path\nfrom motionbench.types import Video\n" + COUNTING
    )
    given = {"log": str(log)} | options
    return open_source(f"{name}:Counting", options=given, seed=0, out=tmp_path / "run")


COUNTING = """
class Counting:
    def __init__(self, log, level=100, fail=""):
        self.log, self.level, self.fail = Path(log), level, fail

    def generate(self, request):
        with self.log.open("a") as file:
            file.write(request.case_id + "\\n")
        if request.case_id == self.fail:
            raise RuntimeError("cannot do this one\\nreally")
        frames = np.full((request.frames, *request.size, 3), self.level, np.uint8)
        frames[:, ::2] = np.random.default_rng(request.seed).integers(0, 256, 3)
        return Video(frames, np.arange(request.frames) / request.fps)
"""


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def asked(log: Path) -> list[str]:
    return log.read_text().splitlines()


def make_all(source, cases=CASES, protocol=PROTOCOL) -> list[str]:
    return [source.footage(case, protocol).digest() for case in cases]


def test_it_generates_once_and_keeps_what_it_wrote(tmp_path, log) -> None:
    source = open_counting(tmp_path, log)
    first = make_all(source)
    assert asked(log) == [case.id for case in CASES]
    assert make_all(source) == first
    assert make_all(pickle.loads(pickle.dumps(source))) == first  # another process
    assert make_all(open_counting(tmp_path, log)) == first  # another run
    assert len(asked(log)) == 3
    names = sorted(p.name for p in (tmp_path / "run" / "videos").iterdir())
    assert names == sorted([".keys", "a.mp4", "b b.mp4", "ü<'\">.mp4"])


def test_the_score_is_that_of_the_file(tmp_path, log) -> None:
    """The same folder scored as videos gives the same frames, bit for bit."""
    source = open_counting(tmp_path, log)
    direct = {case.id: source.footage(case, PROTOCOL) for case in CASES}
    again = open_source(tmp_path / "run" / "videos", seed=0, out=tmp_path / "other")
    listing = again.check(dataset_of(CASES))
    assert listing.found == tuple(case.id for case in CASES) and listing.extra == ()
    for case in CASES:
        footage = again.footage(case, PROTOCOL)
        assert footage.digest() == direct[case.id].digest()
        clip = footage.load(PROTOCOL)
        assert np.array_equal(clip.video.frames, direct[case.id].load(PROTOCOL).video.frames)


def test_what_is_written_is_what_the_model_made(tmp_path, log) -> None:
    model = Counting(str(log))
    source = open_source(model, seed=5, out=tmp_path / "run")
    request = make_request(CASES[0], PROTOCOL, 5)
    made = model.generate(request)
    video = load_video(source.footage(CASES[0], PROTOCOL).path)
    assert np.array_equal(video.frames, made.frames)
    assert video.times == pytest.approx(made.times)


CHANGES = {
    "an option": lambda: ({"level": "101"}, CASES[0], PROTOCOL, 0),
    "the run's seed": lambda: ({}, CASES[0], PROTOCOL, 1),
    "the number of frames": lambda: ({}, CASES[0], replace(PROTOCOL, frames=5), 0),
    "the rate": lambda: ({}, CASES[0], replace(PROTOCOL, fps=4.0), 0),
    "the caption": lambda: ({}, replace(CASES[0], caption="another"), PROTOCOL, 0),
    "the motion prompt": lambda: ({}, replace(CASES[0], motion_prompt="another"), PROTOCOL, 0),
    "an object": lambda: ({}, replace(CASES[0], objects=(Object(1, "x", "x"),)), PROTOCOL, 0),
    "the picture": lambda: ({}, replace(CASES[0], first_frame=CASES[1].first_frame), PROTOCOL, 0),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_request_is_answered_anew(tmp_path, log, what) -> None:
    open_counting(tmp_path, log).footage(CASES[0], PROTOCOL)
    options, case, protocol, seed = CHANGES[what]()
    source = replace_seed(open_counting(tmp_path, log, **options), seed)
    source.footage(case, protocol)
    source.footage(case, protocol)
    assert asked(log) == ["a", "a"]


def replace_seed(source, seed):
    source.seed = seed
    return source


@pytest.mark.parametrize("what", [Protocol(frames=4, size=64), Protocol(frames=4, size=48, letterbox="keep")])
def test_how_it_is_measured_is_no_part_of_the_request(tmp_path, log, what) -> None:
    source = open_counting(tmp_path, log)
    source.footage(CASES[0], PROTOCOL)
    source.footage(CASES[0], what)
    assert asked(log) == ["a"]


def test_an_edited_model_is_asked_again(tmp_path, log) -> None:
    source = open_counting(tmp_path, log)
    source.footage(CASES[0], PROTOCOL)
    file = next(tmp_path.glob("counting_model_*.py"))
    file.write_text(file.read_text() + "# edited\n")
    again = open_source(source.recipe.name, options=dict(source.recipe.options), seed=0, out=tmp_path / "run")
    again.footage(CASES[0], PROTOCOL)
    assert asked(log) == ["a", "a"]


@pytest.mark.parametrize("harm", ["cut", "swap", "delete", "no key", "bad key", "key of another"])
def test_a_video_that_is_not_provably_the_answer_is_made_again(tmp_path, log, harm) -> None:
    source = open_counting(tmp_path, log)
    right = make_all(source, CASES[:2])
    videos = tmp_path / "run" / "videos"
    video, key = videos / "a.mp4", source._key_file(CASES[0])
    if harm == "cut":
        video.write_bytes(video.read_bytes()[:-5])
    elif harm == "swap":
        video.write_bytes((videos / "b b.mp4").read_bytes())
    elif harm == "delete":
        video.unlink()
    elif harm == "no key":
        key.unlink()
        video.unlink()
    elif harm == "bad key":
        key.write_text("[]")
    else:
        key.write_bytes(source._key_file(CASES[1]).read_bytes())
    assert make_all(source, CASES[:2]) == right
    assert asked(log) == ["a", "b b", "a"]


def test_killed_between_key_and_video_it_starts_the_case_again(tmp_path, log, monkeypatch) -> None:
    """The key is written first; a kill before the video leaves no video, or the old one, that the key does not fit."""
    import motionbench.sources.generated as generated

    real = generated.write_atomic

    def killed(path, chunks):
        if path.suffix == ".mp4":
            raise KeyboardInterrupt
        return real(path, chunks)

    first = open_counting(tmp_path, log)
    first.footage(CASES[0], PROTOCOL)
    changed = open_counting(tmp_path, log, level="7")
    monkeypatch.setattr(generated, "write_atomic", killed)
    with pytest.raises(KeyboardInterrupt):
        changed.footage(CASES[0], PROTOCOL)
    with pytest.raises(KeyboardInterrupt):
        changed.footage(CASES[1], PROTOCOL)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    changed.check(dataset_of(CASES))
    assert [load_video(changed.footage(c, PROTOCOL).path).frames[0, 1, 0, 0] for c in CASES[:2]] == [7, 7]


def test_videos_that_no_run_made_are_never_overwritten(tmp_path, log, write_video) -> None:
    videos = tmp_path / "run" / "videos"
    videos.mkdir(parents=True)
    write_video(videos / "a.mp4")
    before = (videos / "a.mp4").read_bytes()
    source = open_counting(tmp_path, log)
    with pytest.raises(ConfigError, match=r"videos/a\.mp4 in the run's folder was not made by a run"):
        source.check(dataset_of(CASES))
    with pytest.raises(ConfigError):
        source.footage(CASES[0], PROTOCOL)
    assert (videos / "a.mp4").read_bytes() == before and asked(log) == []


def test_a_failing_model_loses_one_case_and_leaves_a_traceback(tmp_path, log) -> None:
    source = open_counting(tmp_path, log, fail="a")
    with pytest.raises(ModelError) as caught:
        source.footage(CASES[0], PROTOCOL)
    assert caught.value.message == "the model failed: RuntimeError: cannot do this one"
    trace = tmp_path / "run" / "errors" / "a.txt"
    assert "in generate" in trace.read_text() and "really" in trace.read_text()
    assert not (tmp_path / "run" / "videos" / "a.mp4").exists()
    assert source.footage(CASES[1], PROTOCOL) is not None
    with pytest.raises(ModelError):
        source.footage(CASES[0], PROTOCOL)
    assert asked(log) == ["a", "b b", "a"]  # what failed is tried again
    open_counting(tmp_path, log).footage(CASES[0], PROTOCOL)
    assert not trace.exists()


def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path, log) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "videos").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot write") as caught:
        open_counting(tmp_path, log).footage(CASES[0], PROTOCOL)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["a/b", "..", "", "a\\b", "a\0b", "../../etc/x"])
def test_a_case_id_cannot_leave_the_folder(tmp_path, log, name) -> None:
    source = open_counting(tmp_path, log)
    for act in (lambda: source.check(dataset_of([case_of(name)])), lambda: source.footage(case_of(name), PROTOCOL)):
        with pytest.raises(DataError, match="cannot be a file name"):
            act()
    assert asked(log) == []


def test_the_model_is_built_when_a_video_is_missing_and_once(tmp_path, log, monkeypatch) -> None:
    source = open_counting(tmp_path, log)
    make_all(source)
    model = source._model
    make_all(source, [replace(c, caption="new") for c in CASES])
    assert source._model is model
    travelled = pickle.loads(pickle.dumps(source))
    assert travelled._model is None
    make_all(travelled, [replace(c, caption="new") for c in CASES])
    assert travelled._model is None


def test_identity_has_no_folders(tmp_path, log) -> None:
    source = open_counting(tmp_path, log, level="3")
    identity = source.identity()
    assert identity["kind"] == "model" and identity["name"].endswith(":Counting")
    assert identity["options"] == {"level": 3, "log": "log.txt"}
    assert str(tmp_path) not in json.dumps(identity)
    assert open_source("warp", seed=0, out=tmp_path, name="Mine").identity()["name"] == "Mine"


def test_a_model_object_is_a_source_too(tmp_path, log) -> None:
    source = open_source(Counting(str(log)), seed=0, out=tmp_path / "run")
    first = make_all(source)
    assert make_all(open_source(Counting(str(log)), seed=0, out=tmp_path / "run")) == first
    assert len(asked(log)) == 3
    make_all(open_source(Counting(str(log), level=3), seed=0, out=tmp_path / "run"))
    assert len(asked(log)) == 6
    assert source.identity() == {"name": "counting", "kind": "model", "source": "counting", "options": {}}
    with pytest.raises(ConfigError, match="a model object takes no options"):
        open_source(Counting(str(log)), options={"level": 1}, seed=0, out=tmp_path)
    with pytest.raises(ConfigError, match="a int is no model"):
        open_source(3, seed=0, out=tmp_path)


def test_an_object_that_cannot_be_compared_is_always_asked_again(tmp_path, log) -> None:
    def fresh():
        model = Counting(str(log))
        model.hook = lambda: None
        return open_source(model, seed=0, out=tmp_path / "run")

    make_all(fresh())
    make_all(fresh())
    assert len(asked(log)) == 6


def test_order_and_company_do_not_change_a_video(tmp_path, log) -> None:
    forwards = make_all(open_counting(tmp_path, log))
    other = open_source(Counting(str(log)), seed=0, out=tmp_path / "other")
    assert make_all(other, CASES[::-1])[::-1] == forwards


def test_a_request_holds_what_a_model_may_see() -> None:
    masks = Masks(np.zeros((2, 2, 32, 48), bool), np.array([2, 7]), np.array([0, 5]))
    values = masks.values.copy()
    values[0, 0, 3:9] = True
    values[0, 1] = True
    case = case_of("a", masks=MemoryMasks(replace(masks, values=values)), reference=4)
    request = make_request(case, Protocol(frames=9, fps=12.0), 3)
    assert (request.frames, request.fps, request.size, request.seed) == (9, 12.0, (32, 48), case_seed(3, "a"))
    assert (request.caption, request.motion_prompt, request.objects) == ("a caption", "it moves", case.objects)
    assert request.masks0.shape == (2, 32, 48)
    assert not request.masks0[0].any()  # object 1 has no mask; object 7 is nobody's
    assert np.array_equal(request.masks0[1], values[0, 0])  # frame 0, not frame 5
    for array in (request.image, request.masks0):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    case.first_frame.load()[0, 0, 0] += 1  # the case's own picture is not locked


def test_masks_that_do_not_fit_are_the_cases_error() -> None:
    small = Masks(np.zeros((1, 1, 16, 16), bool), np.array([1]), np.array([0]))
    with pytest.raises(VideoError, match="the masks are 16x16, the first frame is 48x32"):
        make_request(case_of("a", masks=MemoryMasks(small)), PROTOCOL, 0)
    late = Masks(np.zeros((1, 1, 32, 48), bool), np.array([1]), np.array([3]))
    with pytest.raises(VideoError, match="no frame 0"):
        first_masks(case_of("a", masks=MemoryMasks(late)), (32, 48))
    assert first_masks(case_of("a"), (32, 48)) is None


def test_wrong_models_are_refused_when_the_source_is_opened(tmp_path) -> None:
    for name, options, error in (
        ("wrap", {}, ConfigError),
        ("warp", {"speed": "1"}, ConfigError),
        ("command:no-such-program {out}", {}, ConfigError),
        ("os:path", {}, PluginError),
    ):
        with pytest.raises(error):
            open_source(name, options=options, seed=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
