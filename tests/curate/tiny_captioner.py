"""A vision-language model of a few thousand random parameters, saved as transformers saves one."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["<unk>", "<pad>", "<s>", "</s>", "<image>", "a", "dog", "moves", "none", "Animal", "USER", "ASSISTANT"]
TEMPLATE = (
    "{% for m in messages %}USER {% for c in m['content'] %}{% if c['type'] == 'image' %}<image> "
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %} ASSISTANT"
)
SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save(folder: Path) -> Path:
    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>"],
    )
    side = {"height": 32, "width": 32}
    processor = hf.LlavaProcessor(
        image_processor=hf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**SMALL, image_size=32, patch_size=16),
        text_config=hf.LlamaConfig(
            **SMALL, vocab_size=len(WORDS), num_key_value_heads=2, bos_token_id=2, eos_token_id=3, pad_token_id=1
        ),
        image_token_id=WORDS.index("<image>"),
        image_token_index=WORDS.index("<image>"),
    )
    hf.LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
