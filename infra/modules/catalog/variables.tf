variable "name" {
  description = "Begins the databases' names, <name>_<zone>, and is the workgroup's."
  type        = string
  default     = "barlake"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.name))
    error_message = "A database's name is of a-z, 0-9 and _, so that SQL needs no quotes."
  }
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

variable "results" {
  description = "Where Athena puts answers, s3://bucket/prefix/: not in the lake, whose readers only read."
  type        = string
}

variable "query_bytes_max" {
  description = "Bytes that one query may scan before Athena ends it; 10 MB at least."
  type        = number
  default     = 100000000000

  validation {
    condition     = var.query_bytes_max >= 10485760
    error_message = "Athena takes no bound below 10,485,760 bytes."
  }
}
