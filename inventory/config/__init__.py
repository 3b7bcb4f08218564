"""Configuration: what the user set, and where: servers, labels, credentials, options and their origin.

In: ``inventory.toml``, environment and flags as text. Out: checked values, ``Server`` objects, errors with a line.
For others: ``loader``, ``servers``, ``labels``, ``credentials``, ``effective`` and the limits in ``spec``.
"""
