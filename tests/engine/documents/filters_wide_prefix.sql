select convert_to(concat(
  '{"data":{"clients":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t1.name),
        '}'
      ) as r0
      from (
        select t1.name, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and ((t1.name_key >= lower(($2::text)) and t1.name_key < lower(($2::text)) || repeat(chr(1114111), 255)))
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"not":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and (((t2.name_key >= lower(($3::text)) and t2.name_key < lower(($3::text)) || repeat(chr(1114111), 255))) is not true)
      ),
      '}'
    )
  ),
  ',"invoices":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t3
        where t3.tenant_id = ($1::uuid) and ((t3.number_key >= lower(($4::text)) and t3.number_key < lower(($4::text)) || repeat(chr(1114111), 255) and t3.number is not null))
      ),
      '}'
    )
  ),
  '}}'
), 'UTF8')
where core.context() = ($5::text) and core.tenant_id() = ($1::uuid)
