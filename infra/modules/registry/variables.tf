variable "name" {
  description = "Begins the repositories' names: <name>/spark, <name>/airflow."
  type        = string
  default     = "barlake"
}

variable "images" {
  description = "The targets of infra/Dockerfile that have a repository."
  type        = set(string)
  default     = ["spark", "airflow"]
}

variable "kept" {
  description = "How many images of each are kept."
  type        = number
  default     = 10

  validation {
    condition     = var.kept >= 2
    error_message = "Keep two images at least: the one that runs, and the one before."
  }
}
