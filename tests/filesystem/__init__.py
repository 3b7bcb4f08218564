"""Tests of ``inventory/filesystem/``."""
