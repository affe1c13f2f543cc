"""From an option's text to a tool: which parser, detector and segmenter a user asks for."""

from __future__ import annotations

from pathlib import Path

from motionbench.errors import ConfigError
from ttm_ref.conditions.find import Detector, Segmenter
from ttm_ref.conditions.parser import parse
from ttm_ref.conditions.prompts import Parser


def parser(
    choice: str = "rules",
    *,
    model: str | None = None,
    key_variable: str | None = None,
    device: str = "auto",
    offline: bool = False,
) -> Parser:
    """The parser that a user asks for.

    Args:
        choice: "rules"; "chat" for a language model on this machine; or the http(s) base of an endpoint.
        model: the chat model's name or folder, or its name at the endpoint.
        key_variable: the environment variable with the endpoint's key.
        device, offline: for a chat model.

    Raises:
        ConfigError: no such parser, or options that do not belong to it.
    """
    if choice.startswith(("http://", "https://")):
        from ttm_ref.conditions.endpoint import EndpointParser

        return EndpointParser(choice, model or "", key_variable=key_variable)
    if key_variable is not None:
        raise ConfigError("a key belongs to an endpoint", "give its address as the parser, http://...")
    if choice == "chat":
        from ttm_ref.conditions.chat import DEFAULT, ChatParser

        return ChatParser(model or DEFAULT, device=device, offline=offline)
    if choice != "rules":
        raise ConfigError(f"parser is {choice!r}", "parsers are rules, chat, or the http(s) address of an endpoint")
    if model is not None:
        raise ConfigError("parser=rules takes no model", "parser=chat does")
    return parse


def detector(name: str, *, threshold: float = 0.3, device: str = "auto", offline: bool = False) -> Detector:
    """Grounding DINO by a folder or a name on the hub."""
    from ttm_ref.conditions.boxes import GroundingDino

    return GroundingDino(name, threshold=threshold, device=device, offline=offline)


def segmenter(name: str, *, device: str = "auto", offline: bool = False) -> Segmenter:
    """SAM by the path of an official file (`.pth`), SAM 2 by a folder or a name on the hub."""
    if Path(name).suffix == ".pth":
        from ttm_ref.conditions.sam import SegmentAnything

        return SegmentAnything(name, device=device)
    from ttm_ref.conditions.segment import Sam2

    return Sam2(name, device=device, offline=offline)
