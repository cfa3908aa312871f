output "databases" {
  description = "Name of each zone's database, by zone."
  value       = { for zone, database in aws_glue_catalog_database.this : zone => database.name }
}

output "workgroup" {
  description = "Name of Athena's workgroup."
  value       = aws_athena_workgroup.this.name
}
