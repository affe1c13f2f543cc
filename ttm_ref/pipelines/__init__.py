"""The paper's two stages, its baseline and the chain as diffusers pipelines."""

from ttm_ref.pipelines.chain import ThroughTheMaskPipeline
from ttm_ref.pipelines.image_to_motion import ImageToMotionPipeline
from ttm_ref.pipelines.motion_to_video import MotionToVideoPipeline
from ttm_ref.pipelines.output import MotionOutput, VideoOutput
from ttm_ref.pipelines.text_image_to_video import TextImageToVideoPipeline

__all__ = [
    "ImageToMotionPipeline",
    "MotionOutput",
    "MotionToVideoPipeline",
    "TextImageToVideoPipeline",
    "ThroughTheMaskPipeline",
    "VideoOutput",
]
