"""The packaged weights: read, checked against their hash, and put into the network."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass
from importlib import resources

import torch
from safetensors.torch import load as load_tensors

from motionbench.backends.video_text.network import DualEncoder
from motionbench.backends.video_text.words import Vocabulary
from motionbench.errors import WeightsError

SCHEMA = "motionbench.video_text/1"
_HINT = "reinstall motionbench"


@dataclass(frozen=True, slots=True)
class Trained:
    """The network, its words, and the logistics (slope, offset) of captions and of object prompts."""

    network: DualEncoder
    vocabulary: Vocabulary
    logistic: tuple[tuple[float, float], tuple[float, float]]


def read(name: str) -> bytes:
    """A file of `motionbench/data/video_text/`; a WeightsError where it is missing."""
    try:
        return resources.files("motionbench").joinpath("data", "video_text", name).read_bytes()
    except OSError as error:
        raise WeightsError(f"the packaged file {name} cannot be read: {error}", _HINT) from error


def trained(facts: bytes, weights: bytes) -> Trained:
    """Build the network from the two files' bytes.

    Args:
        facts: dual.json: schema, weights_sha256, vocabulary, calibration, training.
        weights: dual.safetensors, float16.

    Raises:
        WeightsError: another schema or hash, or weights that do not fit the network.
    """
    try:
        told: dict[str, t.Any] = json.loads(facts)
        if told["schema"] != SCHEMA:
            raise WeightsError(f"dual.json has the schema {told['schema']!r}, expected {SCHEMA}", _HINT)
        if hashlib.sha256(weights).hexdigest() != told["weights_sha256"]:
            raise WeightsError("dual.safetensors is not the file that dual.json describes", _HINT)
        vocabulary = Vocabulary.of(told["vocabulary"])
        fits = [told["calibration"][name] for name in ("caption", "object")]
        caption, single = [(float(fit["slope"]), float(fit["offset"])) for fit in fits]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"dual.json cannot be read: {error}", _HINT) from error
    network = DualEncoder(len(vocabulary.numbers))
    state = {name: value.float() for name, value in load_tensors(weights).items()}
    try:
        network.load_state_dict({**state, "scale": torch.zeros(())})
    except RuntimeError as error:
        raise WeightsError("dual.safetensors does not fit the network", _HINT) from error
    return Trained(network.eval(), vocabulary, (caption, single))


def shipped() -> Trained:
    """The packaged network."""
    return trained(read("dual.json"), read("dual.safetensors"))
