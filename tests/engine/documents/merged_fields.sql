select convert_to(concat(
  '{"data":{"clients":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      '],"totalCount":',
      (
        select count(*)
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
      ),
      ',"pageInfo":{"hasNextPage":',
      case when count(*) > 2 then 'true' else 'false' end,
      ',"hasPreviousPage":',
      'false',
      '}}'
    )
    from (
      select case when n <= 2 then concat(
        '{"id":"',
        t1.id,
        '","invoices":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.invoices t2
              where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
            ),
            ',"nodes":[',
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
              select t2.id, t2.issue_date
              from billing.invoices t2
              where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
              order by t2.issue_date desc, t2.id desc
              limit 1
            ) t2
          ) t2
        ),
        ',"name":',
        core.as_json(t1.name),
        ',"status":"',
        t1.status,
        '","contacts":[',
        (
          select string_agg(concat(
            '{"id":"',
            t3.id,
            '","name":',
            core.as_json(t3.name),
            ',"client":',
            coalesce((
              select concat(
                '{"id":"',
                t4.id,
                '"}'
              )
              from billing.clients t4
              where t4.tenant_id = ($1::uuid) and t4.id = t3.client_id
            ), 'null'),
            '}'
          ), ',')
          from (
            select t3.id, t3.name, t3.client_id, t3.created_at
            from billing.client_contacts t3
            where t3.tenant_id = ($1::uuid) and t3.client_id = t1.id
            order by t3.created_at, t3.id
            limit 1000
          ) t3
        ),
        ']}'
      ) end as r0, n, m
      from (
        select t1.*, row_number() over () as n, count(*) over () as m
        from (
          select t1.id, t1.name, t1.status, t1.name_key
          from billing.clients t1
          where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
          order by t1.name_key asc, t1.id asc
          limit 3
        ) t1
      ) t1
    ) t1
  ),
  ',"invoiceGroups":[',
  (
    select string_agg(concat(
      '{"count":',
      t5.members,
      ',"key":{"status":"',
      t5.k0,
      '","currency":',
      core.as_json(t5.k1),
      '},"total":{"sum":"',
      round(t5.a0, 2),
      '","avg":"',
      round(t5.a1, 2),
      '"}}'
    ), ',')
    from (
      select t5.status as k0, t5.currency as k1, sum(t5.total_minor) * 0.01 as a0, round(avg(t5.total), 2) as a1, count(*) as members
      from billing.invoices t5
      where t5.tenant_id = ($1::uuid)
      group by 1, 2
      order by t5.status collate "C", t5.currency collate "C"
      limit 100
    ) t5
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
