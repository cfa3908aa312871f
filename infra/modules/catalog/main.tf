# What Athena and Glue know of the lake. tables.json is written from lib/barlake/model by `make docs`.

locals {
  tables = jsondecode(file("${path.module}/tables.json"))
  zones  = toset([for table in local.tables : table.zone])
}

resource "aws_glue_catalog_database" "this" {
  for_each = local.zones

  name        = "${var.name}_${each.key}"
  description = "barlake: ${each.key}"
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.this[each.value.zone].name
  name          = each.value.name
  description   = each.value.doc
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                     = "TRUE"
    table_type                   = "DELTA"
    "spark.sql.sources.provider" = "delta"
  }

  storage_descriptor {
    location      = "s3://${var.bucket}/${var.prefix}${each.value.path}/"
    input_format  = "org.apache.hadoop.mapred.SequenceFileInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
      parameters = {
        path = "s3://${var.bucket}/${var.prefix}${each.value.path}/"
      }
    }

    dynamic "columns" {
      for_each = each.value.columns
      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }
}

resource "aws_athena_workgroup" "this" {
  name        = var.name
  description = "Reads the lake; what a query may scan is bounded."

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.query_bytes_max

    result_configuration {
      output_location = var.results

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}
