"""Networks of the paper profile's classes, so small that a test can afford them; weights are drawn, seeded."""

from __future__ import annotations

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
