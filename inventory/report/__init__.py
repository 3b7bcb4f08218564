"""The facts of a report, established once for every form of it.

In: the tables of a run, its changes and the runs before it. Out: ``Report``, whose attributes are the sections that
the terminal, Markdown, HTML and the workbook render. A new section is an attribute of ``facts.Report``, a function in a
file of this folder, a name in ``facts.SECTIONS``, and a renderer in each form.
For others: ``facts``, the values of its sections, ``fleet`` and ``palette``.
"""
