select convert_to(concat(
  '{"data":{"chosen":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t1.k0,
      '","currency":',
      core.as_json(t1.k1),
      '},"count":',
      t1.members,
      ',"total":{"sum":"',
      round(t1.a0, 2),
      '"}}'
    ), ',')
    from (
      select t1.status as k0, t1.currency as k1, sum(t1.total_minor) * 0.01 as a0, count(*) as members
      from billing.invoices t1
      where t1.tenant_id = ($1::uuid)
      group by 1, 2
      order by members desc, t1.status collate "C", t1.currency collate "C"
      limit 3
    ) t1
  ),
  '],"months":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateMonth":"',
      t2.k0,
      '"}}'
    ), ',')
    from (
      select date_trunc('month', t2.issue_date::timestamp)::date as k0, t2.currency as k1, count(*) as members
      from billing.invoices t2
      where t2.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0 desc, k0, t2.currency collate "C"
      limit 3
    ) t2
  ),
  '],"years":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateFiscalYear":',
      t3.k0,
      '}}'
    ), ',')
    from (
      select core.fiscal_year(t3.issue_date, core.fiscal_year_start()) as k0, t3.currency as k1, min(t3.tax_amount) as a0, count(*) as members
      from billing.invoices t3
      where t3.tenant_id = ($1::uuid)
      group by 1, 2
      order by a0 desc, k0 asc, k0, t3.currency collate "C"
      limit 100
    ) t3
  ),
  '],"clients":[',
  (
    select string_agg(concat(
      '{"key":{"client":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t5.name),
          '}'
        )
        from billing.clients t5
        where t5.tenant_id = ($1::uuid) and t5.id = t4.k0
      ), 'null'),
      '},"total":{"max":"',
      round(t4.a0, 2),
      '"}}'
    ), ',')
    from (
      select t4.client_id as k0, t4.currency as k1, max(t4.total_minor) * 0.01 as a0, count(*) as members
      from billing.invoices t4
      where t4.tenant_id = ($1::uuid)
      group by 1, 2
      order by a0 desc, k0 desc, k0, t4.currency collate "C"
      limit 4
    ) t4
  ),
  ']}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
