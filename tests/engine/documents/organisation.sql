select convert_to(concat(
  '{"data":{"organisation":',
  coalesce((
    select concat(
      '{"id":"',
      t1.id,
      '","slug":',
      core.as_json(t1.slug),
      ',"name":',
      core.as_json(t1.name),
      ',"email":',
      coalesce(core.as_json(t1.email)::text, 'null'),
      ',"phone":',
      coalesce(core.as_json(t1.phone)::text, 'null'),
      ',"address":',
      coalesce(core.as_json(t1.address)::text, 'null'),
      ',"city":',
      coalesce(core.as_json(t1.city)::text, 'null'),
      ',"state":',
      coalesce(core.as_json(t1.state)::text, 'null'),
      ',"zipCode":',
      coalesce(core.as_json(t1.zip_code)::text, 'null'),
      ',"country":',
      coalesce(core.as_json(t1.country)::text, 'null'),
      ',"taxId":',
      coalesce(core.as_json(t1.tax_id)::text, 'null'),
      ',"currency":',
      core.as_json(t1.currency),
      ',"timeZone":',
      core.as_json(t1.time_zone),
      ',"fiscalYearStart":',
      t1.fiscal_year_start,
      ',"createdAt":',
      to_json(t1.created_at),
      '}'
    )
    from iam.organisation() t1
    where t1.tenant_id = ($1::uuid) and true
  ), 'null'),
  ',"me":',
  coalesce((
    select concat(
      '{"id":"',
      t2.id,
      '","userId":"',
      t2.user_id,
      '","role":"',
      upper(t2.role),
      '","userName":',
      core.as_json(t2.user_name),
      ',"userEmail":',
      coalesce(core.as_json(t2.user_email)::text, 'null'),
      ',"isActive":',
      case t2.is_active when true then 'true' when false then 'false' else 'null' end,
      ',"createdAt":',
      to_json(t2.created_at),
      '}'
    )
    from iam.memberships t2
    where t2.tenant_id = ($1::uuid) and t2.user_id = core.user_id()
  ), 'null'),
  ',"memberships":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from iam.memberships t3
        where t3.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"role":"',
        upper(t3.role),
        '"}'
      ) as r0
      from (
        select t3.role, t3.created_at, t3.id
        from iam.memberships t3
        where t3.tenant_id = ($1::uuid)
        order by t3.created_at asc, t3.id asc
        limit 3
      ) t3
    ) t3
  ),
  ',"owners":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"role":"',
        upper(t4.role),
        '"}'
      ) as r0
      from (
        select t4.role, t4.created_at, t4.id
        from iam.memberships t4
        where t4.tenant_id = ($1::uuid) and (t4.role = ($2::text))
        order by t4.created_at asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  ',"others":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"role":"',
        upper(t5.role),
        '"}'
      ) as r0
      from (
        select t5.role, t5.created_at, t5.id
        from iam.memberships t5
        where t5.tenant_id = ($1::uuid) and (t5.role = any (($3::text)::text[]))
        order by t5.created_at desc, t5.id desc
        limit 20
      ) t5
    ) t5
  ),
  '}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
