# Nothing is made of this folder: its *.tftest.hcl try ../modules and ../envs/aws with a provider that
# answers by itself. `terraform init && terraform test`, here.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7"
    }
  }
}
