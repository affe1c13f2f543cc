"""A caption split by a chat model that runs here: any causal language model of transformers with a chat template."""

from __future__ import annotations

import typing as t
from functools import cached_property

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from motionbench.errors import ConfigError, ModelError
from ttm_ref.conditions.answer import Message, prompts
from ttm_ref.conditions.pretrained import network, part, place
from ttm_ref.conditions.prompts import Prompts

DEFAULT = "meta-llama/Llama-3.1-8B-Instruct"


class ChatParser:
    """Splits captions with a chat model, as the paper does. Nothing is loaded before the first caption.

    Decoding is greedy, so that a caption always gives the same prompts on the same machine.

    Args:
        name: a folder, or a name on the hub; the default one asks for a licence to be accepted there.
        device: "auto" is CUDA where there is one, else the CPU.
        offline: open no connection.
        tokens: longest answer.
    """

    def __init__(self, name: str = DEFAULT, *, device: str = "auto", offline: bool = False, tokens: int = 1024) -> None:
        self.name = name
        self._device = place(device)
        self._offline = offline
        self._tokens = tokens

    def __call__(self, caption: str) -> Prompts:
        """Return the prompts of a caption.

        Raises:
            WeightsError: the model cannot be loaded.
            ConfigError: it is no chat model.
            ModelError: it does not answer as it was asked to.
        """
        return prompts(self.answer, caption, self.name)

    @cached_property
    def _tokenizer(self) -> t.Any:
        found = part(AutoTokenizer, self.name, offline=self._offline)
        if not getattr(found, "chat_template", None):
            raise ConfigError(f"{self.name!r} has no chat template", "an instruction-tuned model has one")
        return found

    @cached_property
    def _network(self) -> t.Any:
        dtype = torch.float32 if self._device.type == "cpu" else torch.bfloat16
        return network(AutoModelForCausalLM, self.name, offline=self._offline, device=str(self._device), dtype=dtype)

    @torch.inference_mode()
    def answer(self, talk: list[Message]) -> str:
        """The model's next words in a conversation.

        Raises:
            ModelError: the conversation is longer than the model can read.
        """
        text = self._tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        # The template has written the special tokens already.
        read = self._tokenizer(text, add_special_tokens=False, return_tensors="pt").to(self._device)
        length = read["input_ids"].shape[1]
        room = getattr(self._network.config, "max_position_embeddings", None)
        if room is not None and length + self._tokens > room:
            raise ModelError(
                f"{self.name!r} reads {room} tokens, {length + self._tokens} are needed", "shorten the caption"
            )
        pad = self._tokenizer.pad_token_id
        out = self._network.generate(
            input_ids=read["input_ids"],
            attention_mask=read["attention_mask"],
            max_new_tokens=self._tokens,
            do_sample=False,
            # Settings of sampling that a model brings along mean nothing to greedy decoding and would only warn.
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=self._tokenizer.eos_token_id if pad is None else pad,
        )
        return t.cast(str, self._tokenizer.decode(out[0, length:], skip_special_tokens=True))
