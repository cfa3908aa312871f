# Five roles, each with what its jobs need of the lake and nothing else. The documents are files of
# their own, in policies/: the tests give the very same to MinIO, and ask for each cell of the table
# in docs/aws.md.

locals {
  where = { bucket = var.bucket, prefix = var.prefix }
  rights = {
    for name in ["ingest", "merge", "stream", "maintenance", "reader"] :
    name => templatefile("${path.module}/policies/${name}.json", local.where)
  }
  jobs  = toset(["ingest", "merge", "stream", "maintenance"])
  roles = length(var.reader_arns) == 0 ? local.jobs : setunion(local.jobs, ["reader"])
}

data "aws_iam_policy_document" "jobs" {
  statement {
    sid     = "JobsOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = var.job_services
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "readers" {
  count = length(var.reader_arns) == 0 ? 0 : 1

  statement {
    sid     = "NamedReaders"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = var.reader_arns
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name        = "${var.name}-${each.key}"
  description = "barlake: ${each.key}, in the lake of ${var.bucket}"
  assume_role_policy = (
    each.key == "reader"
    ? data.aws_iam_policy_document.readers[0].json
    : data.aws_iam_policy_document.jobs.json
  )
}

resource "aws_iam_role_policy" "lake" {
  for_each = aws_iam_role.this

  name   = "lake"
  role   = each.value.id
  policy = local.rights[each.key]
}

data "aws_iam_policy_document" "key" {
  for_each = var.kms_key_arn == null ? toset([]) : local.roles

  statement {
    sid       = "KeyOfTheLake"
    actions   = each.key == "reader" ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_role_policy" "key" {
  for_each = data.aws_iam_policy_document.key

  name   = "key"
  role   = aws_iam_role.this[each.key].id
  policy = each.value.json
}
