variable "name" {
  description = "Begins the roles' names: <name>-ingest, <name>-merge, <name>-stream, <name>-maintenance, <name>-reader."
  type        = string
  default     = "barlake"
}

variable "bucket" {
  description = "Bucket of the lake."
  type        = string
}

variable "prefix" {
  description = "Where in the bucket the lake lies: empty, or folders that end with a slash."
  type        = string
  default     = ""
}

variable "job_services" {
  description = "Services that run jobs, and may take the roles that write."
  type        = list(string)
  default     = ["emr-serverless.amazonaws.com"]
}

variable "account_id" {
  description = "The account whose applications may take the roles that write: no other customer's job, by way of the service."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's id is twelve digits."
  }
}

variable "reader_arns" {
  description = "Who may take the role that reads: ARNs of users and roles. Empty makes no such role."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|root)", arn))])
    error_message = "A reader is the ARN of a role, a user or an account: nobody may name everybody."
  }
}

variable "kms_key_arn" {
  description = "The key of the bucket's objects, where it is your own; null where S3 keeps it."
  type        = string
  default     = null
}
