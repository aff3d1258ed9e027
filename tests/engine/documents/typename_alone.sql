select convert_to(concat(
  '{"data":{"__typename":"Query"}}'
), 'UTF8')
where core.context() = ($1::text) and core.tenant_id() = ($2::uuid)
