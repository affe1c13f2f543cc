"""Boxes and masks by small random networks of the real classes: coordinates, one box each, videos, bad weights."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Sam2HieraDetConfig,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VisionConfig,
    SwinConfig,
)

from motionbench.errors import ConfigError, DataError, MissingDependency, WeightsError
from ttm_ref.conditions import boxes, choose, sam, segment

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "a", "red", "blue", "dog", "cat", "ball", "man", "in", "shirt", "##s")
BOXES = np.array([[5, 5, 40, 40], [50, 10, 80, 50]], np.float32)


def _picture(height: int = 60, width: int = 90, frames: int | None = None) -> np.ndarray[t.Any, t.Any]:
    shape = (height, width, 3) if frames is None else (frames, height, width, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Grounding DINO of 0.17 M parameters, saved."""
    torch.manual_seed(0)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64, embed_dim=8, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=4, out_indices=[2, 3, 4]
        ),
        text_config=BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        ),
        num_queries=20,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        disable_custom_kernels=True,
    )
    folder = tmp_path_factory.mktemp("dino")
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    BertTokenizerFast(vocab={word: k for k, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sam2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SAM 2 for pictures of 128 x 128, saved as the published files are: the video model."""
    torch.manual_seed(0)
    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        num_attention_heads=1,
        image_size=[128, 128],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 4, 4],
        window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3],
    )
    width = 128
    config = Sam2VideoConfig(
        vision_config=Sam2VisionConfig(
            backbone_config=backbone,
            backbone_channel_list=[128, 64, 32, 16],
            backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
            fpn_hidden_size=width,
        ),
        prompt_encoder_config={"hidden_size": width, "image_size": 128, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": width,
            "mlp_dim": 64,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
            # As in the published files, a picture and the first frame of a video then go one way.
            "dynamic_multimask_via_stability": False,
        },
        image_size=128,
        memory_attention_hidden_size=width,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=width,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=width,
        memory_fuser_embed_dim=width,
        memory_fuser_intermediate_dim=64,
    )
    folder = tmp_path_factory.mktemp("sam2")
    model = Sam2VideoModel(config)
    # Random weights see no object at all in some frames; these always see one.
    torch.nn.init.constant_(model.mask_decoder.pred_obj_score_head.proj_out.bias, 10.0)
    model.save_pretrained(folder)
    return folder


# --- Grounding DINO --------------------------------------------------------------------------------------------------


def test_dino_gives_one_box_to_each_name(dino: Path) -> None:
    find = boxes.GroundingDino(str(dino), device="cpu", offline=True, threshold=0.01, size=64)
    image = _picture()
    found = find(image, ["left dog", "right dog", "cat", "man in red shirt"])
    assert found.shape == (4, 4) and found.dtype == np.float32
    assert np.isfinite(found).all() and len(np.unique(found, axis=0)) == 4
    assert (found >= 0).all() and (found[:, 2] <= 90).all() and (found[:, 3] <= 60).all()
    assert (found[:, :2] < found[:, 2:]).all()
    assert found[0, [0, 2]].sum() <= found[1, [0, 2]].sum()
    np.testing.assert_array_equal(found, find(image, ["left dog", "right dog", "cat", "man in red shirt"]))
    assert find(image, []).shape == (0, 4)


def test_dino_reports_what_it_does_not_see(dino: Path) -> None:
    find = boxes.GroundingDino(str(dino), device="cpu", offline=True, threshold=0.999999, size=64)
    assert np.isnan(find(_picture(), ["ball", "bird"])).any(axis=1).any()
    for threshold in (0.0, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="threshold"):
            boxes.GroundingDino(str(dino), device="cpu", threshold=threshold)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (500, 3)])
def test_dino_takes_pictures_of_any_size(dino: Path, size: tuple[int, int]) -> None:
    find = boxes.GroundingDino(str(dino), device="cpu", offline=True, threshold=0.01, size=128)
    found = find(_picture(*size), ["dog"])
    assert np.isnan(found).all() or (found[0] <= [size[1], size[0], size[1], size[0]]).all()


class _Oracle:
    """A network whose logits name the query for each token."""

    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits

    def __call__(self, **inputs: torch.Tensor) -> t.Any:
        self.inputs = inputs
        box = torch.tensor([0.5, 0.5, 0.2, 0.4]).repeat(self.logits.shape[1], 1)
        box[1, 0] = 1.0
        return type("Out", (), {"logits": self.logits, "pred_boxes": box[None]})


def test_scores_belong_to_the_tokens_of_a_phrase() -> None:
    tokens = BertTokenizerFast(vocab={word: k for k, word in enumerate(WORDS)})
    # [CLS] red dog . cats -> cat ##s . [SEP]
    logits = torch.full((1, 3, 256), -20.0)
    logits[0, 0, 2] = 2.0  # query 0 is a "dog"
    logits[0, 1, 5] = 3.0  # query 1 is the "##s" of "cats"
    logits[0, 2, 3] = logits[0, 2, 0] = logits[0, 2, 40] = 9.0  # query 2 is punctuation and padding
    found, scores = boxes.detect(_Oracle(logits), tokens, torch.zeros(1, 3, 8, 8), ["Red dog", "cats"], (100, 200))
    np.testing.assert_allclose(scores, torch.tensor([[2.0, -20, -20], [-20, 3.0, -20]]).sigmoid(), atol=1e-6)
    np.testing.assert_allclose(found[0], [80, 30, 120, 70], atol=1e-4)
    np.testing.assert_allclose(found[1], [180, 30, 200, 70], atol=1e-4)  # cut at the right edge


def test_dino_reads_pictures_as_published() -> None:
    pytest.importorskip("torchvision")
    from transformers import GroundingDinoImageProcessor

    for shape in ((60, 90), (200, 120), (40, 400)):
        image = _picture(*shape)
        wanted = GroundingDinoImageProcessor(do_pad=False)(images=image, return_tensors="pt")["pixel_values"]
        found = boxes.picture(image)
        # Theirs rounds sides down, and rounds pixels to bytes.
        assert all(abs(a - b) <= 1 for a, b in zip(found.shape, wanted.shape, strict=True))
        if found.shape == wanted.shape:
            assert (found - wanted).abs().max() < 0.02


# --- SAM 2 -----------------------------------------------------------------------------------------------------------


def test_sam2_masks_and_tracks(sam2: Path) -> None:
    tool = segment.Sam2(str(sam2), device="cpu", offline=True)
    image = _picture()
    found = tool(image, BOXES)
    assert found.shape == (2, 60, 90) and found.dtype == np.bool_ and 0 < found.mean() < 1
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(found[1], tool(image, BOXES[1:])[0])  # boxes do not disturb each other
    assert tool(image, BOXES[:0]).shape == (0, 60, 90)

    frames = _picture(frames=4)
    planes = tool.track(frames, np.insert(BOXES, 1, np.nan, axis=0))
    assert planes.shape == (3, 4, 60, 90) and planes.dtype == np.bool_
    assert not planes[1].any() and planes[0, 0].any() and planes[2, 0].any()
    np.testing.assert_array_equal(planes[2], tool.track(frames, BOXES)[1])
    assert tool.track(frames[:1], BOXES).shape == (2, 1, 60, 90)
    assert not tool.track(frames, np.full((1, 4), np.nan, np.float32)).any()
    with pytest.raises(DataError, match="without frames"):
        tool.track(frames[:0], BOXES)


def test_sam2_finds_where_the_box_is(sam2: Path) -> None:
    """Boxes are given in the picture's own pixels: scaled picture, scaled box, the same prompt to the network."""
    model = segment.Sam2(str(sam2), device="cpu", offline=True)._network
    seen: list[torch.Tensor] = []
    inner = model.forward

    def spy(**inputs: t.Any) -> t.Any:
        seen.append(inputs["input_boxes"])
        assert inputs["pixel_values"].shape == (1, 3, 128, 128)
        return inner(**inputs)

    model.forward = spy
    segment.masks(model, _picture(64, 256), np.array([[128, 16, 256, 32]], np.float32))
    model.forward = inner
    torch.testing.assert_close(seen[0], torch.tensor([[[64.0, 32.0, 128.0, 64.0]]]))


def test_sam2_reads_pictures_as_published() -> None:
    pytest.importorskip("torchvision")
    from transformers import Sam2ImageProcessor

    image = _picture(70, 90)
    wanted = Sam2ImageProcessor(size={"height": 128, "width": 128})(images=image, return_tensors="pt")["pixel_values"]
    assert (segment._pixels(image[None], 128) - wanted).abs().max() < 0.02


def test_weights_of_another_network_are_refused(sam2: Path, dino: Path, tmp_path: Path) -> None:
    for tool in (segment.Sam2(str(dino), device="cpu", offline=True), segment.Sam2("/nowhere", offline=True)):
        with pytest.raises(WeightsError):
            tool(_picture(), BOXES)
    with pytest.raises(WeightsError):
        boxes.GroundingDino(str(sam2), device="cpu", offline=True)(_picture(), ["dog"])


# --- SAM -------------------------------------------------------------------------------------------------------------


def _tiny_sam() -> t.Any:
    package = pytest.importorskip("segment_anything")
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    assert package.SamPredictor
    torch.manual_seed(0)
    encoder = ImageEncoderViT(
        img_size=64, patch_size=16, embed_dim=16, depth=1, num_heads=2, out_chans=32, global_attn_indexes=(0,)
    )
    prompt = PromptEncoder(embed_dim=32, image_embedding_size=(4, 4), input_image_size=(64, 64), mask_in_chans=4)
    transformer = TwoWayTransformer(depth=1, embedding_dim=32, mlp_dim=32, num_heads=2)
    return Sam(encoder, prompt, MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=16)).eval()


def test_sam_masks_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("segment_anything")
    torch.save(_tiny_sam().state_dict(), tmp_path / "tiny.pth")
    digest = hashlib.sha256((tmp_path / "tiny.pth").read_bytes()).hexdigest()
    monkeypatch.setitem(sam.CHECKPOINTS, digest, ("tiny", "tiny.pth"))
    monkeypatch.setitem(package.sam_model_registry, "tiny", lambda checkpoint: _tiny_sam())
    tool = sam.SegmentAnything(tmp_path / "tiny.pth", device="cpu")
    found = tool(_picture(), BOXES)
    assert found.shape == (2, 60, 90) and found.dtype == np.bool_
    np.testing.assert_array_equal(found[1], tool(_picture(), BOXES[1:])[0])
    assert tool(_picture(), BOXES[:0]).shape == (0, 60, 90)


def test_sam_opens_official_files_only(tmp_path: Path) -> None:
    pytest.importorskip("segment_anything")
    (tmp_path / "other.pth").write_bytes(b"cposix\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(WeightsError, match="no official SAM checkpoint"):
        sam.SegmentAnything(tmp_path / "other.pth", device="cpu")(_picture(), BOXES)
    with pytest.raises(WeightsError, match="cannot be read"):
        sam.SegmentAnything(tmp_path / "none.pth", device="cpu")(_picture(), BOXES)


def test_sam_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="not installed") as caught:
        sam.SegmentAnything("sam_vit_b_01ec64.pth")
    assert caught.value.hint == "pip install segment-anything torchvision"


def test_choosing_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam, "find_spec", lambda name: object())
    assert isinstance(choose.detector("some/dino", device="cpu"), boxes.GroundingDino)
    assert isinstance(choose.segmenter("some/sam2", device="cpu"), segment.Sam2)
    assert isinstance(choose.segmenter("weights/sam_vit_b_01ec64.pth", device="cpu"), sam.SegmentAnything)
