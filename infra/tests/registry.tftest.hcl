mock_provider "aws" {}

run "tags_do_not_move" {
  module {
    source = "../modules/registry"
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE"])
    error_message = "An image may be replaced under its tag."
  }
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_scanning_configuration[0].scan_on_push])
    error_message = "An image is not scanned."
  }
  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["spark"].policy).rules[0].selection.countNumber == 10
    error_message = "Images are kept forever."
  }
}

run "one_image_is_too_few" {
  command = plan
  module {
    source = "../modules/registry"
  }
  variables {
    kept = 1
  }
  expect_failures = [var.kept]
}
