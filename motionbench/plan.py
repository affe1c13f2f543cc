"""Needs to jobs: which backends a set of metrics asks for, in which order, and the cache key of everything.

A key names exactly what a result depends on. Two runs that share a video, a protocol and a backend share its
features, whatever system, dataset or metric they were made for.
"""

from __future__ import annotations

import dataclasses
import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from motionbench import cache, registry
from motionbench.device import Device
from motionbench.errors import ConfigError, PluginError
from motionbench.profiles import Profile
from motionbench.types import Backend, Case, Metric, Protocol

BUILT_IN = ("frames",)
GEOMETRY_RECIPE = 2  # raised whenever the input match or the thinning of frames may change
MEDIA_RECIPE = 1  # raised whenever a preview or an overlay may change
AGAIN_RECIPE = 1  # raised whenever the clip half a pixel aside may change


@dataclass(frozen=True, slots=True)
class Plan:
    """metrics; backends by role in the order in which they can run; the protocol; the role of nothing is left open.

    `weights_sha256` has the checked hash of each of the backends' weights by name; without them no key can be made.
    `device` is where their networks run.
    """

    metrics: tuple[Metric, ...]
    backends: Mapping[str, Backend]
    protocol: Protocol
    weights_sha256: Mapping[str, str] = field(default_factory=dict)
    device: Device = field(default_factory=Device)

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of all weights that the backends load, sorted."""
        return tuple(sorted({name for backend in self.backends.values() for name in backend.weights}))

    def weights_digest(self, metric: Metric) -> str | None:
        """One sha256 over names and hashes of all weights behind a metric; None if there are none."""
        names = sorted({name for backend in self._behind(metric) for name in backend.weights})
        return cache.digest({name: self.weights_sha256[name] for name in names}) if names else None

    def device_name(self, metric: Metric) -> str | None:
        """Device and precision of the networks behind a metric ("cuda bfloat16"); None if there are none."""
        return " ".join(self.device.key) if any(b.weights for b in self._behind(metric)) else None

    def backend_name(self, metric: Metric) -> str:
        """The backends behind a metric's own needs, joined by "+" ("frames" alone for a metric without any)."""
        names = {self.backends[need.role].name for need in metric.needs if need.role in self.backends}
        return "+".join(sorted(names)) or "frames"

    def upstream(self, role: str) -> list[str]:
        """The role and all that it builds on, in running order."""
        if role in BUILT_IN:
            return []
        wanted = {role}
        for name in reversed(list(self.backends)):
            if name in wanted:
                wanted.update(self.backends[name].requires)
        return [name for name in self.backends if name in wanted]

    def _behind(self, metric: Metric) -> list[Backend]:
        """The backends behind a metric, with all that they build on."""
        roles = {role for need in metric.needs for role in self.upstream(need.role)}
        return [backend for role, backend in self.backends.items() if role in roles]

    def recipes(self, metric: Metric) -> dict[str, int]:
        """Recipe numbers of the backends behind a metric, by name."""
        return {backend.name: backend.recipe for backend in self._behind(metric)}

    def domain(self, metric: Metric) -> str:
        """Return "synth" if any backend behind the metric has a meaning on procedural scenes only, else "any"."""
        return "synth" if any(backend.domain == "synth" for backend in self._behind(metric)) else "any"


def make_plan(
    profile: Profile,
    metric_ids: Sequence[str],
    weights_sha256: Mapping[str, str] | None = None,
    device: Device | None = None,
) -> Plan:
    """Resolve metrics and backends by name and order the backends by what they build on.

    Args:
        profile: the profile.
        metric_ids: the metrics.
        weights_sha256: checked hashes of the backends' weights (`weights.require`).
        device: where their networks run; the CPU by default.

    Raises:
        ConfigError: an unknown metric or backend, or a role that the profile does not serve.
        PluginError: backends that build on each other in a circle.
    """
    metrics = tuple(registry.load("metrics", name) for name in dict.fromkeys(metric_ids))
    found: dict[str, Backend] = {}
    for metric in metrics:
        for need in metric.needs:
            _collect(need.role, f"the metric {metric.id}", profile, found)
    try:
        order = list(graphlib.TopologicalSorter({r: b.requires for r, b in sorted(found.items())}).static_order())
    except graphlib.CycleError as error:
        raise PluginError(f"backends build on each other in a circle: {' -> '.join(error.args[1])}") from error
    backends = {role: found[role] for role in order if role in found}
    return Plan(metrics, backends, profile.protocol, dict(weights_sha256 or {}), device or Device())


def _collect(role: str, asker: str, profile: Profile, found: dict[str, Backend]) -> None:
    if role in BUILT_IN or role in found:
        return
    if role not in profile.backends:
        raise ConfigError(
            f"{asker} needs {role!r}, which the profile {profile.name} does not serve",
            f"add a backend for {role} under [backends], or leave the metric out",
        )
    backend: Backend = registry.load("backends", profile.backends[role])
    if backend.role != role:
        raise ConfigError(f"the profile {profile.name} lets {backend.name} serve {role}, but it serves {backend.role}")
    found[role] = backend
    for other in backend.requires:
        _collect(other, f"the backend {backend.name}", profile, found)


@dataclass(frozen=True, slots=True)
class Keys:
    """Cache keys of one video of one case.

    Args:
        plan: the plan.
        case: the case.
        video, image, masks: digests of the video's bytes, of the case's first frame and of its masks (None without).
    """

    plan: Plan
    case: Case
    video: str
    image: str
    masks: str | None

    def again(self) -> Keys:
        """Those of the same video half a pixel aside."""
        video = cache.digest({"what": "again", "recipe": AGAIN_RECIPE, "video": self.video})
        return dataclasses.replace(self, video=video)

    def geometry(self) -> str:
        """Times, size and input match."""
        return cache.digest(
            {
                "what": "geometry",
                "recipe": GEOMETRY_RECIPE,
                "protocol": dataclasses.asdict(self.plan.protocol),
                "video": self.video,
                "image": self.image,
            }
        )

    def features(self, role: str) -> str:
        """Features of one role, with everything that they build on."""
        if role in BUILT_IN:
            return cache.digest({"what": role, "protocol": dataclasses.asdict(self.plan.protocol), "video": self.video})
        backend = self.plan.backends[role]
        return cache.digest(
            {
                "what": role,
                "layout": cache.LAYOUT,
                "backend": backend.name,
                "recipe": backend.recipe,
                "weights": [[name, self.plan.weights_sha256[name]] for name in backend.weights],
                "device": self.plan.device.key if backend.weights else None,
                "protocol": dataclasses.asdict(self.plan.protocol),
                "video": self.video,
                "inputs": {name: self._input(name) for name in backend.inputs},
                "upstream": {name: self.features(name) for name in backend.requires},
            }
        )

    def _input(self, name: str) -> object:
        if name == "image":
            return {"image": self.image, "geometry": GEOMETRY_RECIPE}
        if name == "masks":  # they are laid onto the video by the input match, so the picture counts as well
            return {"image": self.image, "geometry": GEOMETRY_RECIPE, "masks": self.masks}
        if name == "text":
            return case_text(self.case)
        raise PluginError(f"a backend declares the unknown input {name!r}", "inputs are image, masks and text")

    def media(self) -> str:
        """Preview and overlays for the report."""
        roles = [r for r in ("tracks", "masks") if r in self.plan.backends]
        return cache.digest(
            {
                "what": "media",
                "recipe": MEDIA_RECIPE,
                "frames": self.features("frames"),
                "overlay": {r: self.features(r) for r in roles},
            }
        )


def measure_key(metric: Metric, case: Case, generated: Keys, reference: Keys | None) -> str:
    """The values of one metric on one case."""
    sides = {"generated": generated, "reference": reference}
    needs = {}
    for need in metric.needs:
        keys = sides[need.of]
        if keys is None:
            continue
        needs[f"{need.of}/{need.role}"] = [keys.features(need.role), keys.geometry()]
        if need.again:
            needs[f"{need.of}/{need.role}/again"] = [keys.again().features(need.role), keys.again().geometry()]
    return cache.digest(
        {"what": "measure", "metric": metric.id, "version": metric.version, "needs": needs, "case": case_text(case)}
    )


def case_text(case: Case) -> dict[str, object]:
    """All of a case that is text: what a prompt-reading metric or backend may look at."""
    return {
        "caption": case.caption,
        "short_caption": case.short_caption,
        "motion_prompt": case.motion_prompt,
        "objects": [[o.id, o.name, o.prompt] for o in case.objects],
    }


def weights_of(profile: Profile) -> tuple[str, ...]:
    """Names of all weights that the backends of a profile load, sorted."""
    backends = [registry.load("backends", name) for name in profile.backends.values()]
    return tuple(sorted({name for backend in backends for name in backend.weights}))
