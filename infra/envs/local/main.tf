# An emulator on this machine: everything but EMR Serverless, which moto says is there before the
# provider expects it.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "emulator"
  secret_key                  = "emulator"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  # Athena's addresses hold the account, which the emulator tells.
  skip_requesting_account_id = false

  default_tags {
    tags = { project = "barlake" }
  }

  endpoints {
    athena         = var.endpoint
    cloudwatch     = var.endpoint
    cloudwatchlogs = var.endpoint
    ecr            = var.endpoint
    glue           = var.endpoint
    iam            = var.endpoint
    s3             = var.endpoint
    sns            = var.endpoint
    sts            = var.endpoint
  }
}

locals {
  # The days stand once, where `barlake vacuum` reads them.
  lifecycle_days = yamldecode(file("${path.module}/../../../conf/base.yaml")).lifecycle
}

data "aws_caller_identity" "this" {}

module "lake" {
  source = "../../modules/lake"

  bucket         = var.bucket
  prefix         = var.prefix
  lifecycle_days = var.has_lifecycle ? local.lifecycle_days : {}
  is_emptied     = true
}

module "roles" {
  source = "../../modules/roles"

  bucket      = module.lake.bucket
  prefix      = var.prefix
  account_id  = data.aws_caller_identity.this.account_id
  reader_arns = ["arn:aws:iam::${data.aws_caller_identity.this.account_id}:root"]
}

module "catalog" {
  source = "../../modules/catalog"

  bucket  = module.lake.bucket
  prefix  = var.prefix
  results = "s3://${module.lake.bucket}-answers/"
}

module "registry" {
  source = "../../modules/registry"
}

module "watch" {
  source = "../../modules/watch"
}
