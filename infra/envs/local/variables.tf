variable "endpoint" {
  description = "Where an emulator of AWS answers, such as http://127.0.0.1:5000."
  type        = string

  validation {
    condition     = can(regex("^http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]+)?$", var.endpoint))
    error_message = "This environment is for an emulator on this machine, and for nothing else."
  }
}

variable "bucket" {
  description = "Bucket of the lake."
  type        = string
  default     = "lake"
}

variable "prefix" {
  description = "Where in the bucket the lake lies: empty, or folders that end with a slash."
  type        = string
  default     = ""
}

variable "has_lifecycle" {
  description = "Whether the bucket gets its lifecycle. The provider waits most of a minute for it, twice."
  type        = bool
  default     = true
}
