"""What every step leaves to Spark: no row goes through Python."""

import ast

from barlake.settings import PROJECT

ROW_BY_ROW = {
    *("udf", "pandas_udf", "arrow_udf", "udtf", "arrow_udtf", "registerJavaFunction"),
    *("mapInPandas", "mapInArrow", "applyInPandas", "applyInArrow", "applyInPandasWithState"),
    *("transformWithState", "transformWithStateInPandas", "rdd", "foreach", "foreachPartition"),
}


def row_by_row(source: str) -> set[str]:
    """Give the names in a module that send rows through Python."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.name for node in nodes if isinstance(node, ast.alias)}
    return names & ROW_BY_ROW


def test_nothing_uses_a_udf() -> None:
    modules = [*(PROJECT / "lib").rglob("*.py"), *(PROJECT / "jobs").rglob("*.py")]
    found = {path.name: row_by_row(path.read_text("utf-8")) for path in modules}

    assert PROJECT / "lib" / "barlake" / "transforms" / "features.py" in modules
    assert {name: used for name, used in found.items() if used} == {}


def test_a_udf_is_seen_however_it_is_made() -> None:
    """The negative control."""
    made = {
        "@F.udf('int')\ndef f(x): return x": "udf",
        "from pyspark.sql.functions import pandas_udf as vectorised": "pandas_udf",
        "spark.udf.register('f', g)": "udf",
        "frame.groupBy('ticker').applyInPandas(g, ddl)": "applyInPandas",
        "frame.mapInArrow(g, ddl)": "mapInArrow",
    }

    assert {source: row_by_row(source) for source in made} == {s: {n} for s, n in made.items()}
    assert row_by_row("udfs = 'a udf'  # udf") == set()
