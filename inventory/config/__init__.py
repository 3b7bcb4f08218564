"""Configuration: what the user set, and where: servers, labels, credentials, options and their origin.

In: ``inventory.toml``, environment and flags as text. Out: checked values, ``Server`` objects, errors with a line.
For others: each file; ``spec`` says which keys there are, and ``loader`` reads them.
"""
