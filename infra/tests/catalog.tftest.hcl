mock_provider "aws" {}

variables {
  bucket  = "lake"
  prefix  = "minutes/"
  results = "s3://answers/athena/"
}

run "tables_lie_where_the_lake_has_them" {
  module {
    source = "../modules/catalog"
  }

  assert {
    condition     = one(aws_glue_catalog_table.this["silver.bars_1m"].storage_descriptor).location == "s3://lake/minutes/silver/bars_1m/"
    error_message = "The table is looked for elsewhere."
  }
  assert {
    condition     = aws_glue_catalog_table.this["silver.bars_1m"].database_name == "barlake_silver"
    error_message = "The table is in another database."
  }
  assert {
    condition     = alltrue([for table in aws_glue_catalog_table.this : table.parameters["table_type"] == "DELTA"])
    error_message = "Athena would read the files and not the log."
  }
  assert {
    condition     = aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
    error_message = "Whoever asks may set the bounds aside."
  }
}

run "a_bound_that_athena_refuses" {
  command = plan
  module {
    source = "../modules/catalog"
  }
  variables {
    query_bytes_max = 1
  }
  expect_failures = [var.query_bytes_max]
}
