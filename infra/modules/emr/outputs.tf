output "application_id" {
  description = "Id of the application: what a job is started in."
  value       = aws_emrserverless_application.this.id
}
