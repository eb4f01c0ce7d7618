"""Published cases against Plimsoll, one module per set: each has `run(folder) -> Report` and a command of its name.

plimsoll.vectors.report has what they share: finding files, cases, the report.
"""
