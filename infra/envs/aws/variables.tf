variable "region" {
  description = "Region of everything; the same as lake.region of conf/aws.yaml."
  type        = string
  default     = "us-east-1"
}

variable "bucket" {
  description = "Bucket of the lake; the name must be free in all of AWS."
  type        = string
}

variable "answers_bucket" {
  description = "Bucket that is there already, for Athena's answers and the jobs' code: not the lake's."
  type        = string
}

variable "image" {
  description = "The image of jobs, by its digest; null is EMR's own, without the package."
  type        = string
  default     = null
}

variable "reader_arns" {
  description = "Who may read the lake: ARNs of users and roles."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "A KMS key of your own for the lake; null where S3 keeps it."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets of the jobs; empty is EMR's own network, which reaches no vendor."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the jobs, where there are subnets."
  type        = list(string)
  default     = []
}
