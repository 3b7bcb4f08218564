"""The schedulers' files, read by programs that are not ours."""
