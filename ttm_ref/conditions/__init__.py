"""Conditions from a picture and a caption: motion prompt, object prompts, boxes and masks."""
