select convert_to(concat(
  '{"data":{"inner":',
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
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and (true)
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"lists":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t2.id,
        '"}'
      ) as r0
      from (
        select t2.id, t2.name_key
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and (((true)))
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"related":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t3
        where t3.tenant_id = ($1::uuid) and (true)
      ),
      '}'
    )
  ),
  ',"groups":[',
  (
    select string_agg(concat(
      '{"key":{"clientId":null,"status":"',
      t4.k0,
      '"},"count":',
      t4.members,
      '}'
    ), ',')
    from (
      select t4.status as k0, date_trunc('quarter', t4.issue_date::timestamp)::date as k1, t4.currency as k2, count(*) as members
      from billing.invoices t4
      where t4.tenant_id = ($1::uuid) and (true)
      group by 1, 2, 3
      order by t4.status collate "C", k1, t4.currency collate "C"
      limit 100
    ) t4
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
