# SPDX-License-Identifier: Apache-2.0
"""Run SQL over one Iceberg table with Spark, offline: spark_read.py METADATA.json SQL [SQL...]

The table is called t, and t_ID as it was at snapshot ID. Each statement's rows are printed as one
line: a JSON list of objects, values that JSON has no word for as text. Run by .deps/venv-spark,
not by the tests' own Python.
"""
import json
import pathlib
import re
import sys

from pyspark.sql import SparkSession

deps = pathlib.Path(__file__).resolve().parents[2] / ".deps"
spark = (SparkSession.builder.master("local[1]").appName("plumb")
         .config("spark.jars", ",".join(map(str, (deps / "spark").glob("*.jar"))))
         .config("spark.ui.enabled", "false")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
         .config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.shuffle.partitions", "1")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
spark.read.format("iceberg").load(sys.argv[1]).createOrReplaceTempView("t")
for snapshot in {name for text in sys.argv[2:] for name in re.findall(r"\bt_(\d+)\b", text)}:
    spark.read.format("iceberg").option("snapshot-id", snapshot).load(
        sys.argv[1]).createOrReplaceTempView(f"t_{snapshot}")
for statement in sys.argv[2:]:
    rows = [row.asDict(recursive=True) for row in spark.sql(statement).collect()]
    print(json.dumps(rows, default=str), flush=True)
