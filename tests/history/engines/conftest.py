"""What the tests of the engines share: one Spark on this machine, where there is one."""

import importlib.util
import os
import shutil
from collections.abc import Iterator

import pytest

from inventory.history.engines import ENGINES

SMALL = (
    "--driver-memory 1g --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC {more}' "
    "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN "
    "--conf spark.sql.adaptive.enabled=false --conf spark.sql.shuffle.partitions=1 --master local[1] pyspark-shell"
)
"""How to start a Spark that answers small questions at little cost: it does not compile them first."""


def missing() -> str:
    """What Spark lacks here, and how to get it; empty if nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed: pip install -e '.[spark]'"
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return "Spark needs Java: apt-get install openjdk-17-jre-headless"
    return ""


NEEDS_SPARK = (
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.xdist_group("spark"),  # one worker, and so one Java
)


@pytest.fixture(scope="session")
def spark() -> Iterator[str]:
    """The engine's name, with Spark told where to run as its users tell it: one for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", SMALL.format(more=""))
        from inventory.history.engines import open_engine

        open_engine("spark")
        yield "spark"
        from pyspark.sql import SparkSession

        SparkSession.builder.getOrCreate().stop()


@pytest.fixture(params=[pytest.param(name, marks=NEEDS_SPARK if name == "spark" else ()) for name in ENGINES])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine's name, ready to be opened."""
    return str(request.getfixturevalue("spark") if request.param == "spark" else request.param)
