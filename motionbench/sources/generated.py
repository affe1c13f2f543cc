"""A model as a source: each video is generated once, written without loss, and scored as it was written.

Beside the videos lies `.keys/`, with one small file a case that says which request to which model a video answers, and
the sha256 of its bytes. A rerun keeps a video only if both still hold. The key file is written first: whatever moment
a run is killed at, a video is either provably the answer, or is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import secrets
import traceback
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motionbench.canonical import dump, write_atomic
from motionbench.datasets.files import FileFootage
from motionbench.errors import ConfigError, ModelError, VideoError
from motionbench.models import ModelSpec, generate
from motionbench.models.fingerprint import fingerprint
from motionbench.sources.base import Listing, file_stem, no_options
from motionbench.sources.request import make_request, request_digest
from motionbench.types import Case, Dataset, I2VModel, Protocol
from motionbench.video import encode

KEY_RECIPE = 1  # raised whenever a request, or the way a video is written, may change


class Recipe(t.Protocol):
    """How to get a model in a worker process."""

    def build(self) -> I2VModel:
        """Build the model."""
        ...

    def identity(self) -> dict[str, t.Any]:
        """`{name, kind, options}`."""
        ...

    def fingerprint(self) -> str:
        """A sha256 hex digest that changes when the model may answer otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectRecipe:
    """A model that the caller built."""

    model: I2VModel
    state: str

    @classmethod
    def of(cls, model: I2VModel, options: Mapping[str, t.Any]) -> ObjectRecipe:
        """Raises ConfigError if it has no `generate`, or if options were set."""
        if not callable(getattr(model, "generate", None)):
            raise ConfigError(f"a {type(model).__name__} is no model", "a model has a name and generate(request)")
        no_options(options, "a model object")
        try:
            state = hashlib.sha256(pickle.dumps(model)).hexdigest()
        except (pickle.PicklingError, TypeError, AttributeError):
            state = secrets.token_hex(32)  # what cannot be compared is never taken for the same
        return cls(model, state)

    def build(self) -> I2VModel:
        """The object itself."""
        return self.model

    def identity(self) -> dict[str, t.Any]:
        """Its own name; the options that it was built with are not known."""
        name = getattr(self.model, "name", type(self.model).__name__)
        return {"name": str(name), "kind": "model", "options": {}}

    def fingerprint(self) -> str:
        """Of its pickled state."""
        return self.state


@dataclass(slots=True)
class ModelSource:
    """Generates into `videos` what is not there yet. The model is built at the first video that is missing."""

    recipe: Recipe | ModelSpec
    seed: int
    videos: Path
    title: str | None = None
    model_sha256: str = ""
    _model: I2VModel | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.videos = self.videos.absolute()
        recipe = self.recipe
        self.model_sha256 = fingerprint(recipe) if isinstance(recipe, ModelSpec) else recipe.fingerprint()

    def __getstate__(self) -> tuple[t.Any, ...]:
        # Each worker builds its own model: one that is loaded here need not be picklable.
        return self.recipe, self.seed, self.videos, self.title, self.model_sha256

    def __setstate__(self, state: tuple[t.Any, ...]) -> None:
        self.recipe, self.seed, self.videos, self.title, self.model_sha256 = state
        self._model = None

    @property
    def kind(self) -> t.Literal["model"]:
        """As in run.json."""
        return "model"

    def check(self, dataset: Dataset) -> Listing:
        """All cases; a model may be asked for each.

        Raises:
            ConfigError: a video in the folder was not made by a run, and would be overwritten.
        """
        for case in dataset.cases:
            self._refuse_foreign(case)
        return Listing(tuple(case.id for case in dataset.cases))

    def footage(self, case: Case, protocol: Protocol) -> FileFootage:
        """The case's video as written, generated if it is not there.

        Raises:
            ModelError: the model failed; the traceback is in `errors/<case id>.txt` beside `videos`.
            VideoError, DataError: the case's picture or masks cannot be read.
            ConfigError: the folder cannot be written, or holds a video that no run made.
        """
        path, request = self._path(case), request_digest(case, protocol, self.seed)
        key = hashlib.sha256(dump({"recipe": KEY_RECIPE, "model": self.model_sha256, "request": request})).hexdigest()
        if self._is_answer(case, key):
            return FileFootage(path)
        self._refuse_foreign(case)
        if self._model is None:
            self._model = self.recipe.build()
        log = self.videos.parent / "errors" / f"{file_stem(case.id)}.txt"
        try:
            video = generate(self._model, make_request(case, protocol, self.seed))
        except ModelError as error:
            self._keep_traceback(log, error)
            raise
        log.unlink(missing_ok=True)
        content = encode(video)
        sha256 = hashlib.sha256(content).hexdigest()
        write_atomic(self._key_file(case), [dump({"case_id": case.id, "request": key, "sha256": sha256})])
        write_atomic(path, [content])
        return FileFootage(path)

    def identity(self) -> dict[str, t.Any]:
        """The model's name (or the one that was given) and options."""
        identity = self.recipe.identity()
        return identity | {"name": self.title or identity["name"], "source": identity["name"]}

    def _path(self, case: Case) -> Path:
        return self.videos / f"{file_stem(case.id)}.mp4"

    def _key_file(self, case: Case) -> Path:
        return self.videos / ".keys" / f"{hashlib.sha256(case.id.encode('utf-8', 'surrogatepass')).hexdigest()}.json"

    def _is_answer(self, case: Case, key: str) -> bool:
        """True if the case's video provably answers the request."""
        try:
            note = json.loads(self._key_file(case).read_bytes())
            sha256 = FileFootage(self._path(case)).digest()
        except (OSError, ValueError, VideoError):
            return False
        return isinstance(note, dict) and note.get("request") == key and note.get("sha256") == sha256

    def _refuse_foreign(self, case: Case) -> None:
        path = self._path(case)
        if path.exists() and not self._key_file(case).exists():
            raise ConfigError(
                f"{path.parent.name}/{path.name} in the run's folder was not made by a run and would be overwritten",
                "choose another --out, or score that folder as it is",
            )

    def _keep_traceback(self, log: Path, error: ModelError) -> None:
        if error.__cause__ is None:
            return
        with contextlib.suppress(OSError):  # the log must not hide what it is about
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
