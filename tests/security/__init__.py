"""Tests of what a hostile server, file or name can do, one file a promise."""
