variable "name" {
  description = "Begins the names of log groups and alarms."
  type        = string
  default     = "barlake"
}

variable "log_days" {
  description = "Days that logs are kept; ops.runs keeps what runs did for longer."
  type        = number
  default     = 90
}

variable "kms_key_arn" {
  description = "A KMS key of your own for the logs; null is the key that CloudWatch keeps by itself."
  type        = string
  default     = null
}

variable "applications" {
  description = "Ids of EMR Serverless' applications, by a name of each: an alarm on the runs of each."
  type        = map(string)
  default     = {}
}

variable "namespace" {
  description = "CloudWatch's namespace that what `barlake metrics` prints is put into."
  type        = string
  default     = "barlake"
}

variable "silent_hours" {
  description = "Hours without a figure of the lake after which that is an alarm by itself."
  type        = number
  default     = 2

  validation {
    condition     = var.silent_hours >= 1 && var.silent_hours <= 24
    error_message = "Between 1 and 24 hours: CloudWatch looks back a day at most."
  }
}
