variable "name" {
  description = "Name of the application."
  type        = string
  default     = "barlake"
}

variable "release" {
  description = "EMR's release. Spark 4 begins with emr-spark-8.0.0; see docs/aws.md on Delta's version."
  type        = string
  default     = "emr-spark-8.0.0"
}

variable "image" {
  description = "The image of jobs, with the package and its wheels: repository and digest. Null is EMR's own."
  type        = string
  default     = null

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest: repository@sha256:..."
  }
}

variable "vcpu_max" {
  description = "vCPUs that all runs together may use at a time."
  type        = number
  default     = 16
}

variable "memory_max_gb" {
  description = "Memory, in GB, that all runs together may use at a time."
  type        = number
  default     = 64
}

variable "idle_minutes" {
  description = "Minutes without a run after which the application stops."
  type        = number
  default     = 5
}

variable "role_names" {
  description = "Names of the roles that run jobs, by their short names: each may write its logs and read `code`."
  type        = map(string)
}

variable "code" {
  description = "ARN of the objects that jobs are started from, such as arn:aws:s3:::bucket/code/*."
  type        = string
}

variable "log_group_arn" {
  description = "ARN of the log group that jobs write to."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the jobs, with an endpoint to S3 and a way to the vendor; empty is EMR's own network."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the jobs, where there are subnets."
  type        = list(string)
  default     = []
}
