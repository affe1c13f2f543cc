"""Metrics: declared needs plus two pure functions, in NumPy and SciPy alone. No files, no networks, no pixels decoded.

Each metric is a `motionbench.types.Metric` value; the entry points `motionbench.metrics` list them.
"""
