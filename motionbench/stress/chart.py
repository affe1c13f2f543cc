"""Pictures of a stress run, drawn with Pillow: a heat map of all metrics, and a metric's reactions."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motionbench.stress.record import Reaction, Stress
from motionbench.stress.table import rewards, sees

INK, PALE, GRID = (32, 32, 36), (118, 118, 126), (226, 226, 230)
SEEN, BLIND, WRONG, PLAIN = (25, 104, 168), (176, 176, 184), (196, 78, 40), (104, 104, 120)
CELL_W, CELL_H, ROW = 86, 26, 24
HEAT_NOTES = (
    "number: effect at top severity in SD of clean clips; in brackets the change, where clean clips do not differ",
    "colour: blue worse, orange better, full at 3 SD, or at the whole clean value (of distances: at full_shuffle)",
    "bold frame: 3 standard errors or more",
)
CHART_NOTES = (
    "curve: mean from clean to top severity; bar: paired change at top severity with its 95 % interval,",
    "in SD of clean clips, or in shares of the clean value where these do not differ; blue: 3 SE worse, orange: better",
)
LIMIT = 3.0  # standard deviations at which a colour or a bar is full


def heat_map(stress: Stress) -> bytes:
    """PNG: corruptions down, metrics across; colour is the effect, blue where it is worse, orange where better."""
    names, metrics = _names(stress), list(stress.metrics)
    left, top = 190, 140
    image = Image.new("RGB", (left + CELL_W * len(metrics) + 60, top + CELL_H * len(names) + 60), "white")
    draw = ImageDraw.Draw(image)
    _text(draw, (12, 10), f"{stress.dataset['name']}, profile {stress.profile['name']}: reactions of metrics", 17, INK)
    for k, line in enumerate(HEAT_NOTES):
        _text(draw, (12, 34 + 15 * k), line, 12, PALE)
    for k, metric in enumerate(metrics):
        _slanted(image, (left + CELL_W * k + 10, top - 8), metric)
    for j, name in enumerate(names):
        y = top + CELL_H * j
        _text(draw, (12, y + 6), name + ("  (benign)" if stress.corruptions[name].benign else ""), 12, INK)
        for k, metric in enumerate(metrics):
            reaction = stress.find(metric, name)
            _heat(draw, (left + CELL_W * k, y), reaction, _strength(stress, reaction))
    return _png(image)


def _strength(stress: Stress, reaction: Reaction | None) -> float:
    """Signed, 1 for a change that is drawn in full: 3 SD of the clean clips, or all of the clean value."""
    if reaction is None or not reaction.change:
        return 0.0
    if reaction.effect is not None:
        return reaction.effect / LIMIT
    shuffled = stress.find(reaction.metric, "full_shuffle") if reaction.of == "set" else None
    whole = reaction.curve[0] if reaction.of != "set" else shuffled.change if shuffled else reaction.change
    return reaction.change / abs(whole) if whole else float(np.sign(reaction.change))


def _names(stress: Stress) -> list[str]:
    return [*stress.ordered(benign=False), *stress.ordered(benign=True)]


def _heat(draw: ImageDraw.ImageDraw, at: tuple[int, int], reaction: Reaction | None, strength: float) -> None:
    x, y = at
    box = (x + 1, y + 1, x + CELL_W - 2, y + CELL_H - 2)
    if reaction is None or reaction.change is None:
        draw.rectangle(box, fill=(250, 250, 251))
        _text(draw, (x + CELL_W // 2 - 3, y + 6), "-", 12, PALE)
        return
    worse = reaction.drop is None or reaction.drop >= 0
    label, full = _label(reaction), min(1.0, abs(strength))
    base = PLAIN if reaction.drop is None else SEEN if worse else WRONG
    fill = tuple(round(255 - (255 - c) * full * 0.85) for c in base)
    bold = sees(reaction) or rewards(reaction)
    draw.rectangle(box, fill=fill, outline=INK if bold else None, width=2 if bold else 0)
    _text(draw, (x + 22, y + 6), label, 12, (255, 255, 255) if full > 0.6 else INK)


def _label(reaction: Reaction) -> str:
    """The effect, or in brackets the change where the clean clips do not differ and there is no spread."""
    if reaction.effect is None:
        return f"({reaction.change or 0.0:+.2g})"
    return f"{reaction.effect:+.2f}" if abs(reaction.effect) < 100 else f"{reaction.effect:+.0f}"


def metric_chart(runs: Sequence[Stress], metric: str) -> bytes:
    """PNG of one metric: for each run a panel of curves and effects with 95 % intervals, one row a corruption."""
    panels = [run for run in runs if metric in run.metrics]
    rows = list(dict.fromkeys(name for run in panels for name in _names(run)))
    left, wide, gap, top = 180, 380, 30, 96
    image = Image.new("RGB", (left + (wide + gap) * len(panels) + 10, top + ROW * len(rows) + 56), "white")
    draw = ImageDraw.Draw(image)
    _text(draw, (12, 10), f"{metric}: {panels[0].metrics[metric].title}", 17, INK)
    for k, line in enumerate(CHART_NOTES):
        _text(draw, (12, 34 + 15 * k), line, 12, PALE)
    for j, name in enumerate(rows):
        y = top + ROW * j
        draw.line((12, y + ROW, left + (wide + gap) * len(panels) - gap, y + ROW), fill=GRID)
        _text(draw, (12, y + 5), name, 12, INK)
    for k, run in enumerate(panels):
        x = left + (wide + gap) * k
        _text(draw, (x, top - 22), f"{run.dataset['name']} ({len(run.cases)} cases)", 13, INK)
        for j, name in enumerate(rows):
            reaction = run.find(metric, name)
            _row(draw, x, top + ROW * j, wide, reaction, _strength(run, reaction))
        _axis(draw, x + 100, top + ROW * len(rows) + 4, wide - 160, _full(run, metric))
    return _png(image)


def _row(draw: ImageDraw.ImageDraw, x: int, y: int, wide: int, reaction: Reaction | None, strength: float) -> None:
    if reaction is None or not reaction.n:
        _text(draw, (x, y + 5), "not applicable", 11, PALE)
        return
    _spark(draw, (x, y + 4, x + 80, y + ROW - 5), reaction.curve)
    span = wide - 160
    middle = x + 100 + span // 2
    draw.line((middle, y + 1, middle, y + ROW - 1), fill=GRID)
    colour = SEEN if sees(reaction) else WRONG if rewards(reaction) else BLIND
    if reaction.change:
        unit = strength / reaction.change

        def place(value: float) -> int:
            return round(middle + max(-1.0, min(1.0, value * unit)) * span / 2)

        ends = sorted((middle, place(reaction.change)))
        draw.rectangle((ends[0], y + 7, ends[1], y + ROW - 8), fill=colour)
        if reaction.low is not None and reaction.high is not None:
            low, high = place(reaction.low), place(reaction.high)
            draw.line((low, y + ROW // 2, high, y + ROW // 2), fill=INK)
            for end in (low, high):
                draw.line((end, y + 9, end, y + ROW - 9), fill=INK)
    _text(draw, (x + 100 + span + 8, y + 5), _label(reaction), 11, INK)


def _spark(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], curve: Sequence[float]) -> None:
    low, high = min(curve), max(curve)
    spread = high - low
    x0, y0, x1, y1 = box
    points = [
        (
            x0 + (x1 - x0) * k / max(1, len(curve) - 1),
            (y0 + y1) / 2 if spread <= 0 else y1 - (y1 - y0) * (value - low) / spread,
        )
        for k, value in enumerate(curve)
    ]
    draw.line(points, fill=PLAIN, width=2)
    x, y = points[0]
    draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=INK)


def _full(run: Stress, metric: str) -> str:
    """What a bar of full length stands for."""
    if any(r.metric == metric and r.effect is not None for r in run.reactions):
        return f"{LIMIT:g} SD" if run.metrics[metric].kind == "case" else f"{LIMIT:g} floors"
    return "100 %" if run.metrics[metric].kind == "case" else "shuffle"


def _axis(draw: ImageDraw.ImageDraw, x: int, y: int, wide: int, full: str) -> None:
    draw.line((x, y, x + wide, y), fill=PALE)
    for part, label in ((0.0, f"-{full}"), (0.5, "0"), (1.0, f"+{full}")):
        at = x + wide * part
        draw.line((at, y, at, y + 4), fill=PALE)
        _text(draw, (round(at) - 12, y + 6), label, 11, PALE)


def _slanted(image: Image.Image, at: tuple[int, int], text: str) -> None:
    layer = Image.new("RGBA", (160, 130), (255, 255, 255, 0))
    _text(ImageDraw.Draw(layer), (20, 112), text, 12, INK)
    turned = layer.rotate(30, center=(20, 126), resample=Image.Resampling.BICUBIC)
    image.paste(turned, (at[0] - 10, at[1] - 128), turned)


def _text(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: tuple[int, ...]) -> None:
    # Pillow's own font has no accented letters.
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    draw.text(at, plain, fill=colour, font=ImageFont.load_default(size))


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True)
    return target.getvalue()
