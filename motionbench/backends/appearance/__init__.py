"""Is an object still what frame 0 shows? Likeness of each object to its first picture, frame by frame (no weights)."""

from motionbench.backends.appearance.patches import PATCH_APPEARANCE

__all__ = ["PATCH_APPEARANCE"]
