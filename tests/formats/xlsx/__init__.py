"""Tests of ``inventory/formats/xlsx/``."""
