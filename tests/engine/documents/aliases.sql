select convert_to(concat(
  '{"data":{"first":',
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
        select t1.id, t1.name_key
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key asc, t1.id asc
        limit 1
      ) t1
    ) t1
  ),
  ',"second":',
  (
    select concat(
      '{"total":',
      (
        select count(*)
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"title":',
        core.as_json(t2.name),
        ',"name":',
        coalesce(core.as_json(t2.city)::text, 'null'),
        ',"id":"',
        t2.status,
        '"}'
      ) as r0
      from (
        select t2.name, t2.city, t2.status, t2.name_key, t2.id
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null
        order by t2.name_key desc, t2.id desc
        limit 2
      ) t2
    ) t2
  ),
  ',"clients":',
  (
    select concat(
      '{"list":[',
      string_agg(r0, ','),
      '],"again":[',
      string_agg(r1, ','),
      ']}'
    )
    from (
      select concat(
        '{"number":"',
        t3.id,
        '","total":"',
        round(t3.balance, 2),
        '","balance":"',
        round(t3.total, 2),
        '"}'
      ) as r0, concat(
        '{"id":"',
        t3.id,
        '"}'
      ) as r1
      from (
        select t3.id, t3.balance, t3.total, t3.issue_date
        from billing.invoices t3
        where t3.tenant_id = ($1::uuid)
        order by t3.issue_date desc, t3.id desc
        limit 2
      ) t3
    ) t3
  ),
  ',"data":',
  coalesce((
    select concat(
      '{"people":[',
      (
        select string_agg(concat(
          '{"n":',
          core.as_json(t5.name),
          '}'
        ), ',')
        from (
          select t5.name, t5.created_at, t5.id
          from billing.client_contacts t5
          where t5.tenant_id = ($1::uuid) and t5.client_id = t4.id
          order by t5.created_at, t5.id
          limit 1000
        ) t5
      ),
      '],"contacts":[',
      (
        select string_agg(concat(
          '{"id":"',
          t6.id,
          '"}'
        ), ',')
        from (
          select t6.id, t6.created_at
          from billing.client_contacts t6
          where t6.tenant_id = ($1::uuid) and t6.client_id = t4.id
          order by t6.created_at, t6.id
          limit 1000
        ) t6
      ),
      ']}'
    )
    from billing.clients t4
    where t4.tenant_id = ($1::uuid) and t4.id = ($2::uuid) and t4.deleted_at is null
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($3::text) and core.tenant_id() = ($1::uuid)
