# A lake on AWS. Planned by the tests, never applied by them. Give it a backend of your own before you
# apply it: `terraform init -backend-config=...`, encrypted and locked; the state holds no secret.

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "barlake" }
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
  lifecycle_days = local.lifecycle_days
  kms_key_arn    = var.kms_key_arn
}

module "roles" {
  source = "../../modules/roles"

  bucket      = module.lake.bucket
  account_id  = data.aws_caller_identity.this.account_id
  reader_arns = var.reader_arns
  kms_key_arn = var.kms_key_arn
}

module "catalog" {
  source = "../../modules/catalog"

  bucket  = module.lake.bucket
  results = "s3://${var.answers_bucket}/athena/"
}

module "registry" {
  source = "../../modules/registry"
}

module "emr" {
  source = "../../modules/emr"

  image              = var.image
  code               = "arn:aws:s3:::${var.answers_bucket}/code/*"
  role_names         = { for name, role in module.roles.names : name => role if name != "reader" }
  log_group_arn      = module.watch.log_group_arns["jobs"]
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
}

module "watch" {
  source = "../../modules/watch"

  applications = { jobs = module.emr.application_id }
}
