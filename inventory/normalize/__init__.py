"""From the bytes of an answer to checked rows of models and instances.

In: a body as received. Out: rows in the columns of ``schema``, or one error that says what is wrong and where.
For others: ``response.decode``, ``flatten.flatten``, ``payload.parse_payload``, ``strict_json``, ``fingerprint`` and
``ticking``.
"""
