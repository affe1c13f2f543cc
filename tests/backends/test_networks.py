"""RAFT, CLIP and what all network backends share; weights are drawn here, the published ones are too large to carry."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from motionbench import device, weights
from motionbench.backends import networks, raft
from motionbench.backends.clip import load as clip
from motionbench.backends.viclip import chosen_frames
from motionbench.device import Device
from motionbench.errors import ConfigError
from motionbench.types import Case, Clip, InputMatch, Inputs, Object, Video

from . import shared_weights as shared


@pytest.fixture(autouse=True)
def cpu() -> Iterator[None]:
    """Every test starts on the CPU and leaves nothing behind."""
    device.use(Device())
    yield
    device.use(Device())


def filled(network: torch.nn.Module) -> t.Any:
    """Drawn weights, half as large: the updates of a recurrent network must not amplify the last digit."""
    shared.fill(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    return network


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks get drawn weights in place of published ones."""
    monkeypatch.setattr(networks, "load", lambda network, name, under="": networks.ready(filled(network)))
    monkeypatch.setattr(weights, "digest", lambda name: "drawn")


def inputs(frames: np.ndarray[t.Any, t.Any]) -> Inputs:
    count, height, width = frames.shape[:3]
    case = Case("c", "single", "", "A red ball rolls left.", "", "", (Object(1, "ball", "The red ball."),), None)  # type: ignore[arg-type]
    shown, match = Clip(Video(frames, np.arange(count) / 8.0), (height, width), (0, 0, height, width), 1, 8.0), None
    match = InputMatch(1.0, 0.0, 0.0, 1.0)
    return Inputs(case, shown, frames[0], np.ones((height, width), bool), None, np.array([1]), match)


def noise(*shape: int) -> np.ndarray[t.Any, t.Any]:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    "chunk", [1, pytest.param(4, marks=pytest.mark.slow), pytest.param(16, marks=pytest.mark.slow)]
)
def test_raft_is_torchvisions_on_padded_frames(chunk: int) -> None:
    from torchvision.models.optical_flow import raft_small

    device.use(Device(chunk=chunk))
    frames = noise(3, 100, 140)
    found = raft.RAFT_SMALL.load()(inputs(frames), {})
    network = filled(raft_small(weights=None))
    # 100 x 140 becomes 128 x 144: 14 rows above and below, 2 columns on either side.
    padded = np.pad(frames, ((0, 0), (14, 14), (2, 2), (0, 0)), mode="edge")
    tensor = torch.from_numpy(padded).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    with torch.inference_mode():
        there, back = network(tensor[:-1], tensor[1:])[-1], network(tensor[1:], tensor[:-1])[-1]
    for name, wanted in (("uv", there), ("uv_back", back)):
        expected = wanted[:, :, 14:114, 2:142].permute(0, 2, 3, 1).numpy()
        assert found[name].shape == (2, 100, 140, 2)
        np.testing.assert_allclose(found[name], expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("size", "padded"), [((128, 128), (128, 128)), ((40, 260), (128, 264)), ((131, 129), (136, 136))]
)
def test_padding_fits_raft_and_gives_the_frame_back(size: tuple[int, int], padded: tuple[int, int]) -> None:
    frames = torch.rand(2, 3, *size)
    made, inside = raft.pad(frames)
    assert tuple(made.shape[2:]) == padded
    assert torch.equal(made[:, :, inside[0], inside[1]], frames)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_clip_is_open_clips() -> None:
    import open_clip
    from PIL import Image

    frames = noise(2, 224, 300)
    whole = clip.frames("ViT-B-32", "clip-vit-b32")(inputs(frames), {})["frames"]
    network = filled(open_clip.create_model("ViT-B-32-quickgelu", pretrained=None)).eval()
    transform = open_clip.image_transform(224, is_train=False, mean=clip.MEAN, std=clip.STD)
    with torch.inference_mode():
        pictures = torch.stack([t.cast(t.Any, transform)(Image.fromarray(frame)) for frame in frames])
        wanted = network.encode_image(pictures, normalize=True).numpy()
        tokens = open_clip.get_tokenizer("ViT-B-32")(["A red ball rolls left.", "The red ball."])
        words = network.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(whole, wanted, atol=1e-5)
    said = clip.prompts("ViT-B-32", "clip-vit-b32")(inputs(frames), {})
    np.testing.assert_allclose(said["caption"], words[0], atol=1e-6)
    np.testing.assert_allclose(said["objects"], words[1:], atol=1e-6)


def test_a_cut_out_object_is_centred_and_padded_with_the_mean() -> None:
    picture = torch.full((3, 40, 60), 200, dtype=torch.uint8)
    mask = np.zeros((40, 60), bool)
    mask[:10, 50:] = True
    made = clip.cutout(picture, mask)
    assert made.shape == (1, 3, 224, 224)
    assert float(made[0, 0, 0, -1]) == pytest.approx(0.0, abs=0.05)  # outside of the frame
    assert float(made[0, 0, 120, 100]) == pytest.approx((200 / 255 - clip.MEAN[0]) / clip.STD[0], abs=1e-5)


@pytest.mark.parametrize(("count", "wanted"), [(16, [0, 2, 4, 6, 8, 10, 12, 14]), (3, [0, 1, 2, 2, 2, 2, 2, 2])])
def test_viclip_reads_the_middles_of_eight_parts(count: int, wanted: list[int]) -> None:
    assert chosen_frames(count).tolist() == wanted


@pytest.mark.parametrize("chunk", [None, 1, 3, 7])
def test_chunks_keep_order_and_number(chunk: int | None) -> None:
    device.use(Device(chunk=chunk))
    items = torch.arange(7.0)[:, None]
    np.testing.assert_array_equal(networks.in_chunks(lambda x: 2 * x, items, 8), 2 * items.numpy())


def test_the_budget_decides_how_much_goes_through_at_once() -> None:
    sizes: list[int] = []
    networks.in_chunks(lambda x: (sizes.append(len(x)), x)[1], torch.zeros(10, 1), networks.BUDGET // 4)
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"name": "gpu"}, "'gpu'"), ({"precision": "int8"}, "'int8'"), ({"chunk": 0}, "chunks of 0")],
)
def test_devices_that_there_are_not(settings: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Device(**settings)


@pytest.mark.gpu
def test_a_card_gets_the_same_numbers_through_pinned_memory() -> None:
    device.use(Device("cuda", chunk=3))
    network = networks.ready(torch.nn.Linear(5, 4))
    items = torch.rand(8, 5)
    with networks.inference():
        found = networks.in_chunks(network, items, 20)
        np.testing.assert_allclose(found, network.cpu()(items).numpy(), atol=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_device_that_is_not_there_is_one_line() -> None:
    device.use(Device("cuda"))
    with pytest.raises(ConfigError, match="the device cuda cannot be used") as caught:
        networks.ready(torch.nn.Linear(1, 1))
    assert "\n" not in caught.value.message
