variable "bucket" {
  description = "Name of the bucket; one lake lies in it."
  type        = string

  validation {
    # No dots: a bucket's name with dots fits no certificate of S3's.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name is 3 to 63 of a-z, 0-9 and -, and neither begins nor ends with -."
  }
}

variable "prefix" {
  description = "Where in the bucket the lake lies: empty, or folders that end with a slash."
  type        = string
  default     = ""

  validation {
    condition     = var.prefix == "" || can(regex("^[^/].*[^/]/$", var.prefix))
    error_message = "A prefix is empty, or ends with one slash and begins with none."
  }
}

variable "lifecycle_days" {
  description = "The section `lifecycle` of conf/base.yaml: days after which the store removes what the lake does not need; null is never."
  type = object({
    reports_days  = optional(number)
    staging_days  = optional(number)
    replaced_days = optional(number)
    uploads_days  = optional(number)
  })
}

variable "kms_key_arn" {
  description = "A KMS key of your own for the objects; null is the key that S3 keeps by itself (AES-256)."
  type        = string
  default     = null
}

variable "commits_are_conditional" {
  description = "Whether the bucket refuses a commit of a table that does not say If-None-Match. False where another writer than barlake's log store commits."
  type        = bool
  default     = true
}

variable "is_emptied" {
  description = "Whether destroying the bucket destroys a lake in it too. Never for a lake that somebody needs."
  type        = bool
  default     = false
}
