"""Options for how much a text for people says; files and JSON always say everything."""

from inventory.cli._options import option

all_fields_option = option(
    "Comparison",
    "--all-fields",
    is_flag=True,
    help="Give a line to each changed field, also to those that follow from another, such as the size after a "
    "quantization. CSV, Parquet and JSON always have every field.",
)
verbose_option = option(
    "Output", "-v", "--verbose", is_flag=True, help="Name each server that was not read, with its own error."
)
failed_option = option("Output", "--failed", is_flag=True, help="Only servers that were not read, each with its error.")
notify_option = option(
    "Servers", "--notify", is_flag=True, help="Only send a test to each [[notify]] of inventory.toml."
)
