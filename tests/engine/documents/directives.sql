select convert_to(concat(
  '{"data":{"clients":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{}}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","email":',
        coalesce(core.as_json(t1.email)::text, 'null'),
        ',"status":"',
        t1.status,
        '","currency":',
        core.as_json(t1.currency),
        '}'
      ) as r0
      from (
        select t1.id, t1.email, t1.status, t1.currency, t1.name_key
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key asc, t1.id asc
        limit 2
      ) t1
    ) t1
  ),
  ',"invoiceGroups":[',
  (
    select string_agg(concat(
      '{"count":',
      t2.members,
      '}'
    ), ',')
    from (
      select t2.currency as k0, count(*) as members
      from billing.invoices t2
      where t2.tenant_id = ($1::uuid)
      group by 1
      order by t2.currency collate "C"
      limit 100
    ) t2
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
