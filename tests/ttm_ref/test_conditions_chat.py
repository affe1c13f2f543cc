"""The chat model that runs here: a network of the real class, and those that cannot be used."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as BytesDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from motionbench.errors import ConfigError, ModelError, WeightsError
from ttm_ref.conditions import choose
from ttm_ref.conditions.chat import ChatParser
from ttm_ref.conditions.endpoint import EndpointParser
from ttm_ref.conditions.parser import parse

GOOD = {"motion_prompt": "The dog runs.", "objects": [{"name": "dog", "prompt": "The brown dog runs."}]}
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _chat_model(folder: Path, template: str | None = TEMPLATE, positions: int = 4096) -> Path:
    """A Llama with random weights and a byte-level tokenizer."""
    letters = sorted(ByteLevel.alphabet())
    raw = Tokenizer(BPE({letter: k for k, letter in enumerate([*letters, "<s>", "</s>"])}, []))
    raw.pre_tokenizer, raw.decoder = ByteLevel(add_prefix_space=False), BytesDecoder()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(letters) + 2,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        bos_token_id=len(letters),
        eos_token_id=len(letters) + 1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_a_local_model_answers_greedily(tmp_path: Path) -> None:
    parser = ChatParser(str(_chat_model(tmp_path)), device="cpu", offline=True, tokens=8)
    talk = [{"role": "user", "content": "Caption: a dog runs."}]
    assert parser.answer(talk) == parser.answer(talk)
    with pytest.raises(ModelError, match="in two attempts"):  # random weights write no JSON
        parser("A dog runs.")


def test_a_local_model_sees_the_template_and_its_own_words_are_cut_out(tmp_path: Path) -> None:
    parser = ChatParser(str(_chat_model(tmp_path)), device="cpu", offline=True, tokens=8)
    network, seen = parser._network, list[str]()

    def generate(input_ids: torch.Tensor, **kwargs: t.Any) -> torch.Tensor:
        seen.append(parser._tokenizer.decode(input_ids[0]))
        assert kwargs["do_sample"] is False and kwargs["max_new_tokens"] == 8
        said = parser._tokenizer(json.dumps(GOOD), return_tensors="pt")["input_ids"]
        return torch.cat([input_ids, said], 1)

    network.generate = generate
    assert parser("A brown dog runs.").objects[0].prompt == "The brown dog runs."
    assert seen[0].startswith("<|system|>You prepare") and seen[0].endswith("Caption: A brown dog runs.<|assistant|>")


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be loaded"):
        ChatParser(str(tmp_path / "nothing"), device="cpu", offline=True)("A dog runs.")
    with pytest.raises(ConfigError, match="no chat template"):
        ChatParser(str(_chat_model(tmp_path / "plain", None)), device="cpu", offline=True)("A dog runs.")
    with pytest.raises(ModelError, match="reads 64 tokens"):
        ChatParser(str(_chat_model(tmp_path / "short", positions=64)), device="cpu", offline=True)("A dog runs.")
    broken = _chat_model(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        ChatParser(str(broken), device="cpu", offline=True)("A dog runs.")
    pickled = _chat_model(tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        ChatParser(str(pickled), device="cpu", offline=True)("A dog runs.")
    with pytest.raises(ConfigError, match="device is 'tpu9'"):
        ChatParser("x", device="tpu9")


def test_choosing_a_parser() -> None:
    assert choose.parser() is parse
    assert isinstance(choose.parser("chat", device="cpu"), ChatParser)
    assert isinstance(choose.parser("http://host/v1", model="toy"), EndpointParser)
    for choice, options in (
        ("llm", {}),
        ("rules", {"model": "x"}),
        ("chat", {"key_variable": "X"}),
        ("http://host/v1", {}),
    ):
        with pytest.raises(ConfigError):
            choose.parser(choice, **options)
