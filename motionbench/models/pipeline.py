"""Any diffusers pipeline that turns an image into a video, from a local folder or the hub.

Only safetensors are loaded and no code from a repository runs. What a pipeline can be asked for is read from the
signature of its `__call__`: a picture, a prompt, a number of frames, a size, a rate, a seed.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import typing as t
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionbench.errors import ConfigError, MissingDependency, ModelError
from motionbench.registry import foreign, nearest
from motionbench.types import Request, Video

FRAME_COUNTS = ("num_frames", "frames", "video_length")
RATE_NAMES = ("fps", "frame_rate", "target_fps")
OURS = ("self", "image", "prompt", "generator", "output_type", "return_dict", "kwargs")
# Frames per second that these pipelines make without being asked, from the models' cards and diffusers' examples.
RATES: Mapping[str, float] = {
    "CogVideoXImageToVideoPipeline": 8,
    "Cosmos2_5_PredictBasePipeline": 16,
    "HunyuanSkyreelsImageToVideoPipeline": 24,
    "HunyuanVideo15ImageToVideoPipeline": 24,
    "HunyuanVideoFramepackPipeline": 30,
    "HunyuanVideoImageToVideoPipeline": 24,
    "Kandinsky5I2VPipeline": 24,
    "MotifVideoImage2VideoPipeline": 24,
    "SanaImageToVideoPipeline": 16,
    "SkyReelsV2ImageToVideoPipeline": 24,
    "WanImageToVideoPipeline": 16,
}


class DiffusersModel:
    """A pipeline as a model.

    The picture is scaled to cover the size that the pipeline can make and cut to it at the centre. As many frames are
    asked for as cover the requested time at the pipeline's own rate.

    Args:
        repository: a folder with a model_index.json, or a name on the hub.
        device: "auto" is CUDA where there is one, else the CPU.
        dtype: "auto" is bfloat16 on a GPU, float32 on the CPU.
        revision, variant: as in `from_pretrained`; a revision pins what a hub name means.
        offline: never open a connection.
        fps: frames per second of what it makes, where neither its signature nor this module's table knows.
        call: further arguments of the pipeline's `__call__`, such as num_inference_steps, height, num_frames.

    Raises:
        ConfigError: it cannot be loaded, takes no image, makes no video, or has no such option.
        MissingDependency: it needs a package that is not installed.
    """

    name = "diffusers"

    def __init__(
        self,
        repository: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        variant: str | None = None,
        offline: bool = False,
        fps: float | None = None,
        **call: t.Any,
    ) -> None:
        import torch

        quiet()
        self.label = f"the pipeline {Path(repository).name if Path(repository).is_dir() else repository}"
        where = {"revision": revision, "local_files_only": offline}
        self.parameters, self.rate = self._plan(repository, where, call, fps)
        self.call = call
        device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        dtype = dtype if dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
        if dtype not in ("float32", "float16", "bfloat16"):
            raise ConfigError(f"{self.label}: dtype is {dtype!r}", "dtypes are float32, float16 and bfloat16")
        from diffusers import DiffusionPipeline, __version__

        keyword = "dtype" if tuple(map(int, __version__.split(".")[:2])) >= (0, 42) else "torch_dtype"
        hint = "only safetensors are loaded; --offline needs all files in the local cache"
        with foreign(ConfigError, f"{self.label} cannot be loaded", hint):
            self.pipeline = DiffusionPipeline.from_pretrained(
                repository, use_safetensors=True, variant=variant, **{keyword: getattr(torch, dtype)}, **where
            ).to(device)
        self.pipeline.set_progress_bar_config(disable=True)

    def generate(self, request: Request) -> Video:
        """Generate a video of at most the requested duration; its size is the nearest that the pipeline can make.

        Raises:
            ModelError: the pipeline returned something that is no video, or NaN.
        """
        import torch

        height, width = self._size(request)
        asked = self._option(FRAME_COUNTS)
        rate = float(self._option(RATE_NAMES) or self.rate or request.fps)
        wanted = math.ceil((request.frames - 1) * rate / request.fps - 1e-9) + 1
        step = first_attribute(self.pipeline, "vae_scale_factor_temporal", "vae_temporal_compression_ratio")
        arguments = {
            "image": cover(request.image, height, width),
            "prompt": request.caption,
            "height": height,
            "width": width,
            "generator": torch.Generator("cpu").manual_seed(request.seed),
            "output_type": "np",
            # A causal video autoencoder makes 1 + k * step frames.
            **dict.fromkeys(FRAME_COUNTS, math.ceil((wanted - 1) / step) * step + 1),
            **{name: self._as_default(name, rate) for name in RATE_NAMES},
        }
        arguments = {key: value for key, value in arguments.items() if key in self.parameters} | self.call
        result = self.pipeline(**arguments)
        frames = as_frames(result[0] if isinstance(result, tuple) else result)
        frames = frames if asked else frames[:wanted]
        return Video(frames, np.arange(len(frames), dtype=np.float64) / rate)

    def _plan(
        self, repository: str, where: Mapping[str, t.Any], call: Mapping[str, t.Any], fps: float | None
    ) -> tuple[Mapping[str, inspect.Parameter], float | None]:
        """Before any weights are read: the parameters of the pipeline's call, and its rate if that cannot be set."""
        import diffusers

        with foreign(
            ConfigError, f"{self.label} cannot be found", "name a folder with a model_index.json, or a hub name"
        ):
            name = diffusers.DiffusionPipeline.load_config(repository, **where)["_class_name"]
        pipeline = getattr(diffusers, name, None) if isinstance(name, str) else None
        if not isinstance(pipeline, type):
            raise ConfigError(f"{self.label} is a {name}, which diffusers {diffusers.__version__} does not have")
        parameters = inspect.signature(pipeline.__call__).parameters
        module = sys.modules[pipeline.__module__]
        if hasattr(module, "basic_clean") and not module.is_ftfy_available():
            # diffusers does not ask for it, and such a pipeline would fail at every prompt.
            raise MissingDependency(f"{self.label} is a {name}, which needs the package ftfy", "pip install ftfy")
        if "image" not in parameters:
            raise ConfigError(f"{self.label} is a {name}, which takes no image", "name an image-to-video pipeline")
        if not any(count in parameters for count in FRAME_COUNTS):
            raise ConfigError(f"{self.label} is a {name}, which makes no video", "name an image-to-video pipeline")
        for key in call:
            if key not in parameters or key in OURS:
                known = [*(set(parameters) - set(OURS)), "device", "dtype", "revision", "variant", "offline", "fps"]
                raise ConfigError(f"{self.label} has no option {key!r}", nearest(key, known, "options"))
        needs = [p.name for p in parameters.values() if p.default is p.empty and p.name not in (*OURS, *call)]
        needs = [n for n in needs if n not in ("height", "width", *FRAME_COUNTS) and parameters[n].kind.value in (1, 3)]
        if needs:
            raise ConfigError(f"{self.label} is a {name}, which needs {', '.join(needs)} beside an image and a prompt")
        if fps is not None and not (isinstance(fps, (int, float)) and fps > 0):
            raise ConfigError(f"{self.label}: fps is {fps!r}, expected a number above 0")
        rate = fps if fps is not None else RATES.get(name)
        if rate is None and not any(r in parameters for r in RATE_NAMES):
            raise ConfigError(f"{self.label} does not say how many frames a second it makes", "add -o fps=RATE")
        return parameters, rate

    def _option(self, names: tuple[str, ...]) -> t.Any:
        return next((self.call[name] for name in names if name in self.call), None)

    def _as_default(self, name: str, rate: float) -> float:
        """The rate as the type that the pipeline's default has: some count in whole frames."""
        parameter = self.parameters.get(name)
        return max(1, round(rate)) if parameter is not None and isinstance(parameter.default, int) else rate

    def _size(self, request: Request) -> tuple[int, int]:
        """(height, width): what the options say, else the request's, rounded to what the pipeline can make."""
        height, width = self.call.get("height"), self.call.get("width")
        if height and width:
            return int(height), int(width)
        scale = height / request.size[0] if height else width / request.size[1] if width else 1.0
        unit = multiple(self.pipeline)
        rounded = [max(1, round(side * scale / unit)) * unit for side in request.size]
        return int(height or rounded[0]), int(width or rounded[1])


def quiet() -> None:
    """No progress bars of others: progress is the command line's business."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def multiple(pipeline: t.Any) -> int:
    """What height and width must be multiples of: for the autoencoder, the network, and the pipeline's own check."""
    vae = first_attribute(
        pipeline, "vae_scale_factor_spatial", "vae_spatial_compression_ratio", "vae_scale_factor", default=8
    )
    network = getattr(pipeline, "transformer", None) or getattr(pipeline, "transformer_2", None)
    if network is not None:
        patch = getattr(network.config, "patch_size", 1)
        inner = int(patch[-1] if isinstance(patch, (list, tuple)) else patch)
    else:
        blocks = getattr(getattr(getattr(pipeline, "unet", None), "config", None), "block_out_channels", (1,))
        inner = 2 ** (len(blocks) - 1)
    try:
        source = inspect.getsource(type(pipeline).check_inputs)
    except (AttributeError, OSError):  # it has no check, or is installed without sources
        source = ""
    return math.lcm(vae * inner, *(int(n) for n in re.findall(r"\b(?:height|width) % (\d+)", source)))


def first_attribute(pipeline: t.Any, *names: str, default: int = 1) -> int:
    """The first of these attributes that the pipeline has."""
    return next((int(getattr(pipeline, n)) for n in names if getattr(pipeline, n, None)), default)


def cover(image: NDArray[np.uint8], height: int, width: int) -> Image.Image:
    """Scale a picture uint8 [H, W, 3] until it covers height x width, and cut that out at the centre."""
    scale = max(height / image.shape[0], width / image.shape[1])
    high, wide = height / scale, width / scale
    top, left = (image.shape[0] - high) / 2, (image.shape[1] - wide) / 2
    box = (left, top, min(left + wide, image.shape[1]), min(top + high, image.shape[0]))
    return Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS, box=box)


def as_frames(result: t.Any) -> NDArray[np.uint8]:
    """uint8 [T, H, W, 3] from a pipeline's output: pictures, arrays or tensors, in a batch of one or alone.

    Floats are in [0, 1]. Raises ModelError where it is something else.
    """
    found = next(
        (getattr(result, n) for n in ("frames", "videos", "images") if getattr(result, n, None) is not None), result
    )
    if hasattr(found, "detach"):
        found = found.detach().float().cpu().numpy()
    with foreign(ModelError, "the pipeline's output is no video"):
        frames = (
            np.stack([np.asarray(item) for item in found]) if isinstance(found, (list, tuple)) else np.asarray(found)
        )
    if frames.ndim == 5 and len(frames) == 1:
        frames = frames[0]
    if frames.ndim == 4 and frames.shape[3] != 3 and frames.shape[1] == 3:
        frames = frames.transpose(0, 2, 3, 1)
    if frames.ndim != 4 or frames.shape[3] != 3 or (frames.dtype != np.uint8 and frames.dtype.kind != "f"):
        raise ModelError(
            f"the pipeline returned {frames.dtype} of shape {list(frames.shape)}, expected frames [T, H, W, 3]"
        )
    if frames.dtype != np.uint8 and not np.isfinite(frames).all():
        raise ModelError("the pipeline returned NaN or infinity", "try -o dtype=float32")
    done: NDArray[np.uint8] = (
        frames if frames.dtype == np.uint8 else np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8)
    )
    return done
