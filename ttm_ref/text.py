"""Prompts to embeddings: any tokenizer and encoder of transformers, and a tiny pair that is trained with the model."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, T5Config, T5EncoderModel

PAD, UNKNOWN = "<pad>", "<unk>"


def encode_prompts(
    tokenizer: PreTrainedTokenizerBase, text_encoder: nn.Module, texts: Sequence[str], max_length: int
) -> tuple[Tensor, Tensor]:
    """States of every token of every text.

    Args:
        texts: N prompts; an empty one is a text of no words.
        max_length: L; longer texts are cut, shorter ones padded.

    Returns:
        states [N, L, D], 0 at pad tokens, and mask bool [N, L], True at real tokens, on the encoder's device.
    """
    device = next(text_encoder.parameters()).device
    tokens = tokenize(tokenizer, texts, max_length)
    return encode_tokens(text_encoder, *(x.to(device) for x in tokens))


def tokenize(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> tuple[Tensor, Tensor]:
    """Token numbers int64 [N, L] and mask bool [N, L], True at real tokens."""
    if not texts:
        return torch.zeros(0, max_length, dtype=torch.int64), torch.zeros(0, max_length, dtype=torch.bool)
    found = tokenizer(list(texts), padding="max_length", truncation=True, max_length=max_length, return_tensors="pt")
    return found["input_ids"], found["attention_mask"].bool()


def encode_tokens(text_encoder: nn.Module, numbers: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """States [N, L, D] of token numbers int64 [N, L], 0 where `mask` is False, and the mask."""
    if not len(numbers):
        width = t.cast(t.Any, text_encoder).config.hidden_size
        return next(text_encoder.parameters()).new_zeros((0, numbers.shape[1], width)), mask
    # A row of pads alone would leave attention without a key; its states are zeroed below like all pads.
    seen = mask.clone()
    seen[:, 0] |= ~mask.any(dim=1)
    states = text_encoder(input_ids=numbers, attention_mask=seen.long())[0]
    return states * mask[..., None].to(states), mask


def tiny_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """One token for each word and mark that occurs in `texts`, in alphabetical order, lower case."""
    normalizer, splitter = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    words = {word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))}
    vocabulary = {word: number for number, word in enumerate([PAD, UNKNOWN, *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN)


def tiny_encoder(vocabulary: int, width: int = 128, layers: int = 2, heads: int = 4) -> T5EncoderModel:
    """A T5 encoder (Raffel et al. 2020, relative positions) small enough to be trained from scratch with the model."""
    config = T5Config(
        vocab_size=vocabulary,
        d_model=width,
        d_kv=width // heads,
        d_ff=2 * width,
        num_layers=layers,
        num_heads=heads,
        dropout_rate=0.0,
        pad_token_id=0,
    )
    return t.cast(T5EncoderModel, T5EncoderModel(config))
