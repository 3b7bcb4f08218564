"""Histories in object storage that many collectors share: a mirror on this machine, what is fetched and what is sent.

In: an address such as ``s3://bucket/prefix``. Out: an ordinary history in a folder. For others: ``mirror.Mirror`` and,
for its keeper, ``keeper``.
"""
