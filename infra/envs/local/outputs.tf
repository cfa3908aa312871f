output "address" {
  description = "What `--lake` takes."
  value       = module.lake.address
}

output "rights" {
  description = "What each role may do in the lake."
  value       = module.roles.rights
}
