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
        '{"id":"',
        t1.id,
        '"}'
      ) as r0
      from (
        select t1.name, t1.name_key, t1.id
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null and ((t1.name_key = any (lower(($2::text))::text[]) and t1.name = any (($2::text)::text[])))
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"also":',
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
        select t2.name, t2.name_key, t2.status, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null and ((t2.name_key = any (lower(($3::text))::text[]) and t2.name = any (($3::text)::text[])) and ((t2.status = any (($4::text)::text[]))))
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"invoices":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t3.id,
        '","total":"',
        round(t3.total, 2),
        '"}'
      ) as r0
      from (
        select t3.total, t3.total_minor, t3.id
        from billing.invoices t3
        where t3.tenant_id = ($1::uuid) and (((t3.total_minor > (($5::text)::numeric * 100)::bigint)))
        order by t3.total_minor desc, t3.id desc
        limit 4
      ) t3
    ) t3
  ),
  ',"last":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"dueDate":"',
        t4.due_date,
        '"}'
      ) as r0, n, m
      from (
        select t4.*, row_number() over () as n, count(*) over () as m
        from (
          select t4.due_date, t4.id
          from billing.invoices t4
          where t4.tenant_id = ($1::uuid)
          order by t4.due_date desc, t4.id desc
          limit 2
        ) t4
      ) t4
      order by n desc
    ) t4
  ),
  ',"invoiceGroups":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t5.k0,
      '","currency":',
      core.as_json(t5.k1),
      '},"count":',
      t5.members,
      '}'
    ), ',')
    from (
      select t5.status as k0, t5.currency as k1, count(*) as members
      from billing.invoices t5
      where t5.tenant_id = ($1::uuid)
      group by 1, 2
      order by t5.status collate "C", t5.currency collate "C"
      limit 100
    ) t5
  ),
  '],"fixed":[',
  (
    select string_agg(concat(
      '{"key":{"currency":',
      core.as_json(t6.k0),
      '},"count":',
      t6.members,
      '}'
    ), ',')
    from (
      select t6.currency as k0, count(*) as members
      from billing.invoices t6
      where t6.tenant_id = ($1::uuid)
      group by 1
      order by members desc, t6.currency collate "C"
      limit 100
    ) t6
  ),
  ']}}'
), 'UTF8')
where core.context() = ($6::text) and core.tenant_id() = ($1::uuid)
