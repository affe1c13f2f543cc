"""Backends: the only room that runs OpenCV or a network. Each file serves one or a few roles (see `types.Backend`).

A role fixes the keys and shapes of the features, so that backends of one role are interchangeable:

| role | features |
|---|---|
| flow | uv, uv_back float32 [T-1, H, W, 2] pixels per frame |
| photometric | mean float32 [T, 3]; gradient float32 [T]; change float32 [T-1]; ssim float32 [T] |
| tracks | xy float32 [N, T, 2]; visible bool [N, T]; object_ids int64 [N] |
| windows | xy float32 [N, L, 2]; visible bool [N, L]; object_ids int64 [N]; start int64 [N] |
| masks | values bool [K, T, H, W]; object_ids int64 [K] |
| video | embedding float32 [D] |
"""
