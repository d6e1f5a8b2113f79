# SPDX-License-Identifier: Apache-2.0
"""Write Iceberg tables with Spark, offline: spark_write.py WAREHOUSE SQL [SQL...]

The catalog is called c and keeps its tables below WAREHOUSE (a folder). Run by .deps/venv-spark.
"""
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
         .config("spark.sql.extensions",
                 "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
         .config("spark.sql.catalog.c", "org.apache.iceberg.spark.SparkCatalog")
         .config("spark.sql.catalog.c.type", "hadoop")
         .config("spark.sql.catalog.c.warehouse", f"file://{sys.argv[1]}")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
for statement in sys.argv[2:]:
    spark.sql(statement).collect()
