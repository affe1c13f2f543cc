"""Networks of the paper profile's classes, so small that a test can afford them; weights are drawn, seeded."""

from __future__ import annotations

import json
import typing as t

import torch

SIDE = 128


def small_sam() -> t.Any:
    """A `segment_anything` model for pictures of 128 pixels."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    torch.manual_seed(0)
    width, cells = 16, SIDE // 16
    transformer = TwoWayTransformer(depth=1, embedding_dim=width, mlp_dim=16, num_heads=2)
    encoder = ImageEncoderViT(img_size=SIDE, embed_dim=16, depth=1, num_heads=2, out_chans=width)
    prompts = PromptEncoder(width, (cells, cells), (SIDE, SIDE), mask_in_chans=4)
    decoder = MaskDecoder(transformer_dim=width, transformer=transformer, iou_head_hidden_dim=8)
    return Sam(encoder, prompts, decoder).eval()


def small_sam2() -> dict[str, t.Any]:
    """The files of a `Sam2VideoModel` for pictures of 128 pixels, as `motionbench.backends.makers` gives them."""
    from transformers import Sam2VideoConfig, Sam2VideoModel
    from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig

    torch.manual_seed(0)
    hiera = Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIDE, SIDE],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        blocks_per_stage=[1, 1, 2, 1],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[7, 7],
    )
    cells = SIDE // 16
    vision = Sam2VisionConfig(
        backbone_config=hiera,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[4 * cells, 4 * cells], [2 * cells, 2 * cells], [cells, cells]],
    )
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"image_size": SIDE},
        image_size=SIDE,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[cells, cells],
    )
    size = {"height": SIDE, "width": SIDE}
    names: dict[str, dict[str, t.Any]] = {
        "config.json": {**config.to_dict(), "architectures": ["Sam2VideoModel"]},
        "preprocessor_config.json": {"image_processor_type": "Sam2ImageProcessorFast", "size": size},
        "processor_config.json": {"processor_class": "Sam2VideoProcessor", "target_size": SIDE},
        "video_preprocessor_config.json": {"video_processor_type": "Sam2VideoVideoProcessor", "size": size},
    }
    files: dict[str, t.Any] = {name: (json.dumps(made, default=str) + "\n").encode() for name, made in names.items()}
    network = Sam2VideoModel(config)
    # Random weights see no object at all in some frames; these always see one.
    torch.nn.init.constant_(network.mask_decoder.pred_obj_score_head.proj_out.bias, 10.0)
    return {**files, "model.safetensors": network.state_dict()}
