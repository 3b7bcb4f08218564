"""One file a figure of trust: what is promised, and a test that can fail."""
