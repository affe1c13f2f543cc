"""Training of ttm_ref: `loop` knows no model, the tasks (`autoencoder`, `denoiser`) know no loop."""
