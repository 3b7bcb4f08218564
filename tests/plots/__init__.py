"""Tests of ``inventory/plots/``."""
