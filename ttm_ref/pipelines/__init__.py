"""The paper's two stages, its baseline and the chain as diffusers pipelines.

A saved pipeline names this package as the home of our own classes. diffusers looks there for the class and, to learn
how it is loaded, for the base `ModelMixin` beside it.
"""

from diffusers import ModelMixin

from ttm_ref.pipelines.chain import ThroughTheMaskPipeline
from ttm_ref.pipelines.image_to_motion import ImageToMotionPipeline
from ttm_ref.pipelines.motion_to_video import MotionToVideoPipeline
from ttm_ref.pipelines.output import MotionOutput, VideoOutput
from ttm_ref.pipelines.text_image_to_video import TextImageToVideoPipeline
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.vae import PatchAutoencoder
from ttm_ref.wan import MaskedWanTransformer

__all__ = [
    "ImageToMotionPipeline",
    "MaskedUNetMotion",
    "MaskedWanTransformer",
    "ModelMixin",
    "MotionOutput",
    "MotionToVideoPipeline",
    "PatchAutoencoder",
    "TextImageToVideoPipeline",
    "ThroughTheMaskPipeline",
    "VideoOutput",
]
