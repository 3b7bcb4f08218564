"""The rules that a new ``inventory.toml`` holds as remarks."""

EXAMPLE = """\
# Rules say what there may be; `lms-inventory audit` finds what does not comply. See `lms-inventory help rules`.
# [[rule]]
# name = "approved-publishers"
# severity = "high"
# because = "Only publishers that were reviewed"
# allow = { publisher = ["lmstudio-community", "qwen", "openai"] }
#
# [[rule]]
# name = "no-uncensored"
# severity = "high"
# deny = { key = ["*uncensored*", "*abliterated*"] }
#
# [[rule]]
# name = "small-on-laptops"
# where = { kind = "laptop" }
# most = { size_bytes = "40 GB" }
#
# [[waiver]]
# rule = "small-on-laptops"
# server = "rome-*"
# until = 2027-03-31
# because = "Tests of large models"
# by = "IT security"
"""
