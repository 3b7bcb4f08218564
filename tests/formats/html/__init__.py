"""Tests of ``inventory/formats/html/``."""
