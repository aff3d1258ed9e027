select convert_to(concat(
  '{"data":{"byStatus":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t1.k0,
      '","currency":',
      core.as_json(t1.k1),
      '},"count":',
      t1.members,
      ',"subtotal":{"sum":"',
      round(t1.a0, 2),
      '","avg":"',
      round(t1.a1, 2),
      '","min":"',
      round(t1.a2, 2),
      '","max":"',
      round(t1.a3, 2),
      '"},"taxAmount":{"sum":"',
      round(t1.a4, 2),
      '","avg":"',
      round(t1.a5, 2),
      '","min":"',
      round(t1.a6, 2),
      '","max":"',
      round(t1.a7, 2),
      '"},"total":{"sum":"',
      round(t1.a8, 2),
      '","avg":"',
      round(t1.a9, 2),
      '","min":"',
      round(t1.a10, 2),
      '","max":"',
      round(t1.a11, 2),
      '"},"balance":{"sum":"',
      round(t1.a12, 2),
      '","avg":"',
      round(t1.a13, 2),
      '","min":"',
      round(t1.a14, 2),
      '","max":"',
      round(t1.a15, 2),
      '"}}'
    ), ',')
    from (
      select t1.status as k0, t1.currency as k1, sum(t1.subtotal) as a0, round(avg(t1.subtotal), 2) as a1, min(t1.subtotal) as a2, max(t1.subtotal) as a3, sum(t1.tax_amount) as a4, round(avg(t1.tax_amount), 2) as a5, min(t1.tax_amount) as a6, max(t1.tax_amount) as a7, sum(t1.total_minor) * 0.01 as a8, round(avg(t1.total), 2) as a9, min(t1.total_minor) * 0.01 as a10, max(t1.total_minor) * 0.01 as a11, sum(t1.balance_minor) * 0.01 as a12, round(avg(t1.balance), 2) as a13, min(t1.balance_minor) * 0.01 as a14, max(t1.balance_minor) * 0.01 as a15, count(*) as members
      from billing.invoices t1
      where t1.tenant_id = ($1::uuid) and (t1.issue_date >= ($2::text)::date)
      group by 1, 2
      order by t1.status collate "C", t1.currency collate "C"
      limit 100
    ) t1
  ),
  '],"byMonth":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateMonth":"',
      t2.k0,
      '","status":"',
      t2.k1,
      '","currency":',
      core.as_json(t2.k2),
      '},"total":{"mean":"',
      round(t2.a0, 2),
      '","sum":"',
      round(t2.a1, 2),
      '"},"again":{"avg":"',
      round(t2.a0, 2),
      '"}}'
    ), ',')
    from (
      select date_trunc('month', t2.issue_date::timestamp)::date as k0, t2.status as k1, t2.currency as k2, round(avg(t2.total), 2) as a0, sum(t2.total_minor) * 0.01 as a1, count(*) as members
      from billing.invoices t2
      where t2.tenant_id = ($1::uuid) and (t2.issue_date >= ($3::text)::date)
      group by 1, 2, 3
      order by k0, t2.status collate "C", t2.currency collate "C"
      limit 100
    ) t2
  ),
  ']}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
