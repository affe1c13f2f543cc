"""Do metrics react to what they claim to measure? Controlled corruptions of reference videos, and what they cost.

`material` brings a case's reference to the protocol with masks in every frame, `corruptions` lists what is done to it,
`harness` measures every metric of a profile on every corrupted clip beside its own clean clip.
"""
