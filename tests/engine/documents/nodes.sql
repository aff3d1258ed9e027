select convert_to(concat(
  '{"data":{"client":',
  coalesce((
    select concat(
      '{"__typename":"Client","id":"',
      t1.id,
      '","name":',
      core.as_json(t1.name),
      ',"contacts":[',
      (
        select string_agg(concat(
          '{"name":',
          core.as_json(t2.name),
          '}'
        ), ',')
        from (
          select t2.name, t2.created_at, t2.id
          from billing.client_contacts t2
          where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
          order by t2.created_at, t2.id
          limit 1000
        ) t2
      ),
      '],"invoices":',
      (
        select concat(
          '{"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"number":',
            coalesce(core.as_json(t3.number)::text, 'null'),
            '}'
          ) as r0
          from (
            select t3.number, t3.issue_date, t3.id
            from billing.invoices t3
            where t3.tenant_id = ($1::uuid) and t3.client_id = t1.id
            order by t3.issue_date desc, t3.id desc
            limit 2
          ) t3
        ) t3
      ),
      ',"status":"',
      t1.status,
      '"}'
    )
    from billing.clients t1
    where t1.tenant_id = ($1::uuid) and t1.id = ($2::uuid) and t1.deleted_at is null
  ), 'null'),
  ',"invoice":',
  coalesce((
    select concat(
      '{"id":"',
      t4.id,
      '","__typename":"Invoice","state":"',
      t4.status,
      '","dueDate":"',
      t4.due_date,
      '","client":',
      coalesce((
        select concat(
          '{"id":"',
          t5.id,
          '","__typename":"Client","status":"',
          t5.status,
          '"}'
        )
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.id = t4.client_id
      ), 'null'),
      '}'
    )
    from billing.invoices t4
    where t4.tenant_id = ($1::uuid) and t4.id = ($3::uuid)
  ), 'null'),
  ',"upper":',
  coalesce((
    select concat(
      '{"id":"',
      t6.id,
      '","name":',
      core.as_json(t6.name),
      '}'
    )
    from billing.clients t6
    where t6.tenant_id = ($1::uuid) and t6.id = ($4::uuid) and t6.deleted_at is null
  ), 'null'),
  ',"aliased":',
  coalesce((
    select concat(
      '{"__typename":',
      core.as_json(t7.name),
      '}'
    )
    from billing.clients t7
    where t7.tenant_id = ($1::uuid) and t7.id = ($5::uuid) and t7.deleted_at is null
  ), 'null'),
  ',"wrong":',
  coalesce((
    select concat(
      '{"id":"',
      t8.id,
      '"}'
    )
    from billing.invoices t8
    where t8.tenant_id = ($1::uuid) and t8.id = ($6::uuid)
  ), 'null'),
  ',"deleted":',
  coalesce((
    select concat(
      '{"id":"',
      t9.id,
      '"}'
    )
    from billing.clients t9
    where t9.tenant_id = ($1::uuid) and t9.id = ($7::uuid) and t9.deleted_at is null
  ), 'null'),
  ',"nobody":',
  coalesce((
    select concat(
      '{"id":"',
      t10.id,
      '"}'
    )
    from billing.clients t10
    where t10.tenant_id = ($1::uuid) and t10.id = ($8::uuid) and t10.deleted_at is null
  ), 'null'),
  ',"byId":',
  coalesce((
    select concat(
      '{"name":',
      core.as_json(t11.name),
      '}'
    )
    from billing.clients t11
    where t11.tenant_id = ($1::uuid) and t11.id = ($9::uuid) and t11.deleted_at is null
  ), 'null'),
  ',"gone":',
  coalesce((
    select concat(
      '{"name":',
      core.as_json(t12.name),
      '}'
    )
    from billing.clients t12
    where t12.tenant_id = ($1::uuid) and t12.id = ($10::uuid) and t12.deleted_at is null
  ), 'null'),
  ',"reached":',
  coalesce((
    select concat(
      '{"client":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t14.name),
          ',"deletedAt":',
          coalesce(to_json(t14.deleted_at)::text, 'null'),
          '}'
        )
        from billing.clients t14
        where t14.tenant_id = ($1::uuid) and t14.id = t13.client_id
      ), 'null'),
      '}'
    )
    from billing.invoices t13
    where t13.tenant_id = ($1::uuid) and t13.id = ($11::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($12::text) and core.tenant_id() = ($1::uuid)
