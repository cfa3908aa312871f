output "address" {
  description = "What BARLAKE_LAKE__ROOT takes."
  value       = module.lake.address
}

output "application_id" {
  description = "EMR Serverless' application: what jobs are started in."
  value       = module.emr.application_id
}

output "role_arns" {
  description = "ARN of each role, by its short name."
  value       = module.roles.arns
}

output "images" {
  description = "Where images are pushed to, by target of infra/Dockerfile."
  value       = module.registry.urls
}

output "alarms" {
  description = "ARN of the topic that alarms go to."
  value       = module.watch.topic
}
