# Where spark-submit goes: one application, stopped when idle, bounded in what it may use at a time.

resource "aws_emrserverless_application" "this" {
  name          = var.name
  release_label = var.release
  type          = "SPARK"

  maximum_capacity {
    cpu    = "${var.vcpu_max} vCPU"
    memory = "${var.memory_max_gb} GB"
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = var.idle_minutes
  }

  dynamic "image_configuration" {
    for_each = var.image == null ? [] : [var.image]
    content {
      image_uri = image_configuration.value
    }
  }

  dynamic "network_configuration" {
    for_each = length(var.subnet_ids) == 0 ? [] : [1]
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }
}

# What a job needs besides the lake, whatever it does there.
data "aws_iam_policy_document" "job" {
  statement {
    sid       = "Code"
    actions   = ["s3:GetObject"]
    resources = [var.code]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = [var.log_group_arn, "${var.log_group_arn}:log-stream:*"]
  }
}

resource "aws_iam_role_policy" "job" {
  for_each = var.role_names

  name   = "job"
  role   = each.value
  policy = data.aws_iam_policy_document.job.json
}
