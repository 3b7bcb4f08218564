"""Tests of ``inventory/config/``."""
