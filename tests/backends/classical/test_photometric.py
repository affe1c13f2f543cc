from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from motionbench.backends.photometric import PHOTOMETRIC, gradient_of, ssim_to


def features(inputs):
    return PHOTOMETRIC.load()(inputs, {})


def test_ssim_equals_that_of_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.image")
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 255, (72, 96, 3), np.uint8), (0, 0), 2)
    frames = np.stack(
        [image, 255 - image, np.roll(image, 3, 1), np.clip(image + rng.normal(0, 20, image.shape), 0, 255)]
    ).astype(np.uint8)
    mine = ssim_to(frames, image, np.ones((72, 96), np.bool_))
    as_tensor = lambda x: torch.from_numpy(x.astype(np.float64)).permute(2, 0, 1)[None]  # noqa: E731
    theirs = [
        float(functional.structural_similarity_index_measure(as_tensor(f), as_tensor(image), data_range=255.0))
        for f in frames
    ]
    assert mine == pytest.approx(theirs, abs=1e-5)
    assert mine[0] == pytest.approx(1, abs=1e-6)


def test_ssim_looks_only_at_what_is_shown(make_texture) -> None:
    image = make_texture(1, 64, 96).round().astype(np.uint8)
    shown = np.zeros((64, 96), np.bool_)
    shown[:, 20:70] = True
    frame = image.copy()
    frame[:, :20] = 0
    frame[:, 70:] = 255
    assert ssim_to(frame[None], image, shown) == pytest.approx([1], abs=1e-6)
    part = ssim_to((255 - frame)[None, :, 20:70], image[:, 20:70], np.ones((64, 50), np.bool_))
    assert ssim_to((255 - frame)[None], image, shown) == pytest.approx(part, abs=1e-6)


def test_ssim_is_undefined_where_nothing_is_shown() -> None:
    picture = np.zeros((16, 24, 3), np.uint8)
    assert np.isnan(ssim_to(picture[None], picture, np.zeros((16, 24), np.bool_))).all()


@pytest.mark.parametrize("size", [(8, 8), (3, 40), (1, 1)])
def test_ssim_of_pictures_smaller_than_its_window(size) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert ssim_to(picture[None], picture, np.ones(size, np.bool_)) == pytest.approx([1], abs=1e-6)


def test_pixels_near_a_hole_in_what_is_shown_do_not_count(make_texture) -> None:
    image = make_texture(2, 64, 64).round().astype(np.uint8)
    shown = np.ones((64, 64), np.bool_)
    shown[20:30, 20:30] = False
    frame = image.copy()
    frame[20:30, 20:30] = 0
    assert ssim_to(frame[None], image, shown) == pytest.approx([1], abs=1e-6)


def test_closed_forms(inputs_of) -> None:
    frames = np.zeros((3, 16, 24, 3), np.uint8)
    frames[1] = (30, 60, 90)
    frames[2] = (30, 60, 90)
    found = features(inputs_of(frames, None))
    assert found["mean"] == pytest.approx(np.array([[0, 0, 0], [30, 60, 90], [30, 60, 90]]))
    assert found["change"] == pytest.approx([60, 0])
    assert found["gradient"] == pytest.approx([0, 0, 0])
    assert {k: (v.dtype, v.shape) for k, v in found.items()} == {
        "mean": (np.float32, (3, 3)),
        "gradient": (np.float32, (3,)),
        "change": (np.float32, (2,)),
        "ssim": (np.float32, (3,)),
    }


def test_the_gradient_of_a_ramp() -> None:
    ramp = np.repeat(np.arange(0, 120, 2, dtype=np.uint8)[None, :, None], 20, 0).repeat(3, 2)
    assert gradient_of(ramp[:, 1:-1]) == pytest.approx(2 * (58 - 1) / 58, abs=1e-6)  # half a step at each end


def test_a_single_frame_has_no_change(inputs_of) -> None:
    found = features(inputs_of(np.full((1, 16, 16, 3), 9, np.uint8), None))
    assert found["change"].shape == (0,) and found["ssim"] == pytest.approx([1])


def test_threads_do_not_matter_and_the_declaration_names_the_image(square, inputs_of) -> None:
    inputs = dataclasses.replace(inputs_of(square[0], None), image=square[0][3].copy())
    before = cv2.getNumThreads()
    try:
        found = []
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            found.append(features(inputs))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(found[0][k], found[1][k]) for k in found[0])
    assert (PHOTOMETRIC.name, PHOTOMETRIC.role, PHOTOMETRIC.inputs) == ("photometric", "photometric", ("image",))
