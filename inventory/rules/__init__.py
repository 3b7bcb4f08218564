"""Rules on what there may be, and what does not comply with them: findings, each with its exceptions.

In: ``[[rule]]`` and ``[[waiver]]`` of a configuration, and a function that answers SQL over the tables of a state. Out:
rows of ``derived.FINDINGS``. Nothing is stored: a finding is computed again whenever it is asked for.
For others: ``parse.parse_rules``, ``model.RuleSet``, ``evaluate.evaluate``, ``example.EXAMPLE``.
"""
