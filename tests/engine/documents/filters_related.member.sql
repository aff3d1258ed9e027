select convert_to(concat(
  '{"data":{"of":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t1
        where t1.tenant_id = ($1::uuid) and t1.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.id = any (($2::text)::uuid[]) and t2.id = t1.client_id and (t2.status = ($3::text))
        ))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t3.name),
            ',"status":"',
            t3.status,
            '"}'
          )
          from billing.clients t3
          where t3.tenant_id = ($1::uuid) and t3.id = any (($2::text)::uuid[]) and t3.id = t1.client_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t1.client_id, t1.issue_date, t1.id
        from billing.invoices t1
        where t1.tenant_id = ($1::uuid) and t1.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.id = any (($2::text)::uuid[]) and t2.id = t1.client_id and (t2.status = ($3::text))
        ))
        order by t1.issue_date desc, t1.id desc
        limit 20
      ) t1
    ) t1
  ),
  ',"ofNot":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t4.id,
        '","client":',
        coalesce((
          select concat(
            '{"status":"',
            t6.status,
            '"}'
          )
          from billing.clients t6
          where t6.tenant_id = ($1::uuid) and t6.id = any (($2::text)::uuid[]) and t6.id = t4.client_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t4.client_id, t4.id, t4.issue_date
        from billing.invoices t4
        where t4.tenant_id = ($1::uuid) and t4.client_id = any (($2::text)::uuid[]) and ((exists (
          select
          from billing.clients t5
          where t5.tenant_id = ($1::uuid) and t5.id = any (($2::text)::uuid[]) and t5.id = t4.client_id and (t5.status = ($4::text))
        )) is not true)
        order by t4.issue_date desc, t4.id desc
        limit 20
      ) t4
    ) t4
  ),
  ',"deleted":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t7.id,
        '","client":',
        coalesce((
          select concat(
            '{"deletedAt":',
            coalesce(to_json(t9.deleted_at)::text, 'null'),
            '}'
          )
          from billing.clients t9
          where t9.tenant_id = ($1::uuid) and t9.id = any (($2::text)::uuid[]) and t9.id = t7.client_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t7.client_id, t7.id, t7.issue_date
        from billing.invoices t7
        where t7.tenant_id = ($1::uuid) and t7.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.clients t8
          where t8.tenant_id = ($1::uuid) and t8.id = any (($2::text)::uuid[]) and t8.id = t7.client_id and ((t8.name_key >= lower(($5::text)) and t8.name_key < lower(($5::text)) || repeat(chr(1114111), 255)))
        ))
        order by t7.issue_date desc, t7.id desc
        limit 20
      ) t7
    ) t7
  ),
  ',"both":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t10.id,
        '"}'
      ) as r0
      from (
        select t10.client_id, t10.total, t10.total_minor, t10.id, t10.issue_date
        from billing.invoices t10
        where t10.tenant_id = ($1::uuid) and t10.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.clients t11
          where t11.tenant_id = ($1::uuid) and t11.id = any (($2::text)::uuid[]) and t11.id = t10.client_id and ((t11.name_key >= lower(($6::text)) and t11.name_key < lower(($6::text)) || repeat(chr(1114111), 255)) and ((t11.email is null) or (t11.status is distinct from ($7::text))))
        ) and t10.total_minor > (($8::text)::numeric * 100)::bigint)
        order by t10.issue_date desc, t10.id desc
        limit 20
      ) t10
    ) t10
  ),
  ',"any":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.invoices t12
        where t12.tenant_id = ($1::uuid) and t12.client_id = any (($2::text)::uuid[]) and (exists (
          select
          from billing.clients t13
          where t13.tenant_id = ($1::uuid) and t13.id = any (($2::text)::uuid[]) and t13.id = t12.client_id and (true)
        ))
      ),
      '}'
    )
  ),
  ',"either":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t14.id,
        '"}'
      ) as r0, n, m
      from (
        select t14.*, row_number() over () as n, count(*) over () as m
        from (
          select t14.client_id, t14.id, t14.issue_date
          from billing.invoices t14
          where t14.tenant_id = ($1::uuid) and t14.client_id = any (($2::text)::uuid[]) and (((exists (
            select
            from billing.clients t15
            where t15.tenant_id = ($1::uuid) and t15.id = any (($2::text)::uuid[]) and t15.id = t14.client_id and (t15.external_ref = ($9::text))
          )) or (exists (
            select
            from billing.clients t16
            where t16.tenant_id = ($1::uuid) and t16.id = any (($2::text)::uuid[]) and t16.id = t14.client_id and (t16.email is null)
          ))))
          order by t14.issue_date asc, t14.id asc
          limit 3
        ) t14
      ) t14
      order by n desc
    ) t14
  ),
  ',"groups":[',
  (
    select string_agg(concat(
      '{"key":{"clientId":"',
      t17.k0,
      '"},"count":',
      t17.members,
      '}'
    ), ',')
    from (
      select t17.client_id as k0, t17.currency as k1, count(*) as members
      from billing.invoices t17
      where t17.tenant_id = ($1::uuid) and t17.client_id = any (($2::text)::uuid[]) and (exists (
        select
        from billing.clients t18
        where t18.tenant_id = ($1::uuid) and t18.id = any (($2::text)::uuid[]) and t18.id = t17.client_id and (t18.status = any (($10::text)::text[]))
      ))
      group by 1, 2
      order by k0, t17.currency collate "C"
      limit 100
    ) t17
  ),
  ']}}'
), 'UTF8')
where core.context() = ($11::text) and core.tenant_id() = ($1::uuid)
