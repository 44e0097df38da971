"""Hypothesis on a machine that others use too: slow generation is no fault of a test."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "shared machine",
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    max_examples=50,
)
settings.load_profile("shared machine")
