# SPDX-License-Identifier: Apache-2.0
"""Rows that Spark finds: spark_predicates.py < {"metadata", "files", "sums", "where": [...]}

For each condition one line, a JSON list of three lists of sums over the rows found: by Spark's
Parquet reader with the column index, without it, and by Iceberg's reader of the table. Run by
.deps/venv-spark, not by the tests' own Python.
"""
import json
import pathlib
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
asked = json.load(sys.stdin)
ways = [spark.read.option("parquet.filter.columnindex.enabled", word).parquet(*asked["files"])
        for word in ("true", "false")]
ways.append(spark.read.format("iceberg").load(asked["metadata"]))
for where in asked["where"]:
    found = [list(way.where(where).selectExpr(*asked["sums"]).first()) for way in ways]
    print(json.dumps(found), flush=True)
