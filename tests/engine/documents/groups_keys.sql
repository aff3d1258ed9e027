select convert_to(concat(
  '{"data":{"status":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t1.k0,
      '","clientId":null,"issueDateMonth":null,"currency":',
      core.as_json(t1.k1),
      ',"client":null},"count":',
      t1.members,
      '}'
    ), ',')
    from (
      select t1.status as k0, t1.currency as k1, count(*) as members
      from billing.invoices t1
      where t1.tenant_id = ($1::uuid)
      group by 1, 2
      order by t1.status collate "C", t1.currency collate "C"
      limit 100
    ) t1
  ),
  '],"client":[',
  (
    select string_agg(concat(
      '{"key":{"clientId":"',
      t2.k0,
      '","client":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t3.name),
          ',"deletedAt":',
          coalesce(to_json(t3.deleted_at)::text, 'null'),
          ',"status":"',
          t3.status,
          '"}'
        )
        from billing.clients t3
        where t3.tenant_id = ($1::uuid) and t3.id = t2.k0
      ), 'null'),
      '},"count":',
      t2.members,
      '}'
    ), ',')
    from (
      select t2.client_id as k0, t2.currency as k1, count(*) as members
      from billing.invoices t2
      where t2.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t2.currency collate "C"
      limit 100
    ) t2
  ),
  '],"month":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateMonth":"',
      t4.k0,
      '"},"count":',
      t4.members,
      '}'
    ), ',')
    from (
      select date_trunc('month', t4.issue_date::timestamp)::date as k0, t4.currency as k1, count(*) as members
      from billing.invoices t4
      where t4.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t4.currency collate "C"
      limit 100
    ) t4
  ),
  '],"quarter":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateQuarter":"',
      t5.k0,
      '"},"count":',
      t5.members,
      '}'
    ), ',')
    from (
      select date_trunc('quarter', t5.issue_date::timestamp)::date as k0, t5.currency as k1, count(*) as members
      from billing.invoices t5
      where t5.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t5.currency collate "C"
      limit 100
    ) t5
  ),
  '],"year":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateFiscalYear":',
      t6.k0,
      '},"count":',
      t6.members,
      '}'
    ), ',')
    from (
      select core.fiscal_year(t6.issue_date, core.fiscal_year_start()) as k0, t6.currency as k1, count(*) as members
      from billing.invoices t6
      where t6.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t6.currency collate "C"
      limit 100
    ) t6
  ),
  '],"due":[',
  (
    select string_agg(concat(
      '{"key":{"dueDateMonth":"',
      t7.k0,
      '"},"count":',
      t7.members,
      '}'
    ), ',')
    from (
      select date_trunc('month', t7.due_date::timestamp)::date as k0, t7.currency as k1, count(*) as members
      from billing.invoices t7
      where t7.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t7.currency collate "C"
      limit 100
    ) t7
  ),
  '],"currency":[',
  (
    select string_agg(concat(
      '{"key":{"currency":',
      core.as_json(t8.k0),
      '},"count":',
      t8.members,
      '}'
    ), ',')
    from (
      select t8.currency as k0, count(*) as members
      from billing.invoices t8
      where t8.tenant_id = ($1::uuid)
      group by 1
      order by t8.currency collate "C"
      limit 100
    ) t8
  ),
  '],"nothing":[',
  (
    select string_agg(concat(
      '{"key":{"currency":',
      core.as_json(t9.k0),
      ',"status":null},"count":',
      t9.members,
      ',"total":{"sum":"',
      round(t9.a0, 2),
      '"}}'
    ), ',')
    from (
      select t9.currency as k0, sum(t9.total_minor) * 0.01 as a0, count(*) as members
      from billing.invoices t9
      where t9.tenant_id = ($1::uuid)
      group by 1
      order by t9.currency collate "C"
      limit 100
    ) t9
  ),
  '],"several":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t10.k0,
      '","issueDateFiscalYear":',
      t10.k1,
      ',"currency":',
      core.as_json(t10.k2),
      ',"clientId":"',
      t10.k3,
      '"},"count":',
      t10.members,
      '}'
    ), ',')
    from (
      select t10.status as k0, core.fiscal_year(t10.issue_date, core.fiscal_year_start()) as k1, t10.currency as k2, t10.client_id as k3, count(*) as members
      from billing.invoices t10
      where t10.tenant_id = ($1::uuid)
      group by 1, 2, 3, 4
      order by t10.status collate "C", k1, t10.currency collate "C", k3
      limit 100
    ) t10
  ),
  '],"clients":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t11.k0,
      '","currency":',
      core.as_json(t11.k1),
      '},"count":',
      t11.members,
      '}'
    ), ',')
    from (
      select t11.status as k0, t11.currency as k1, count(*) as members
      from billing.clients t11
      where t11.tenant_id = ($1::uuid) and t11.deleted_at is null
      group by 1, 2
      order by t11.status collate "C", t11.currency collate "C"
      limit 100
    ) t11
  ),
  '],"currencies":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t12.k1,
      '","currency":',
      core.as_json(t12.k0),
      '},"count":',
      t12.members,
      '}'
    ), ',')
    from (
      select t12.currency as k0, t12.status as k1, count(*) as members
      from billing.clients t12
      where t12.tenant_id = ($1::uuid) and t12.deleted_at is null
      group by 1, 2
      order by t12.status collate "C" desc, t12.currency collate "C" asc, t12.currency collate "C", t12.status collate "C"
      limit 100
    ) t12
  ),
  '],"all":[',
  (
    select string_agg(concat(
      '{"count":',
      t13.members,
      '}'
    ), ',')
    from (
      select t13.currency as k0, count(*) as members
      from billing.clients t13
      where t13.tenant_id = ($1::uuid) and t13.deleted_at is null
      group by 1
      order by t13.currency collate "C"
      limit 100
    ) t13
  ),
  '],"none":[',
  (
    select string_agg(concat(
      '{"count":',
      t14.members,
      '}'
    ), ',')
    from (
      select t14.currency as k0, count(*) as members
      from billing.clients t14
      where t14.tenant_id = ($1::uuid) and t14.deleted_at is null and ((t14.name_key = lower(($2::text)) and t14.name = ($2::text)))
      group by 1
      order by t14.currency collate "C"
      limit 100
    ) t14
  ),
  '],"noInvoice":[',
  (
    select string_agg(concat(
      '{"count":',
      t15.members,
      '}'
    ), ',')
    from (
      select t15.status as k0, t15.currency as k1, count(*) as members
      from billing.invoices t15
      where t15.tenant_id = ($1::uuid) and (t15.total_minor < (($3::text)::numeric * 100)::bigint)
      group by 1, 2
      order by t15.status collate "C", t15.currency collate "C"
      limit 100
    ) t15
  ),
  ']}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
