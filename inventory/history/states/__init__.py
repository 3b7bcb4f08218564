"""States of a history: of each server the last complete response, at one moment or at many.

In: the files of a history and a run. Out: observations of the state, servers, and sizes over time.
For others in ``history``: ``states.States``, ``panel.panel``.
"""
