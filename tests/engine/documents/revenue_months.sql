select convert_to(concat(
  '{"data":{"revenueMonths":[',
  (
    select string_agg(concat(
      '{"id":"',
      t1.id,
      '","month":"',
      t1.month,
      '","currency":',
      core.as_json(t1.currency),
      ',"billed":"',
      round(t1.billed, 2),
      '","paid":"',
      round(t1.paid, 2),
      '","cash":"',
      round(t1.cash, 2),
      '","refunded":"',
      round(t1.refunded, 2),
      '","credited":"',
      round(t1.credited, 2),
      '","__typename":"ReckonedMonth"}'
    ), ',' order by t1.line)
    from billing.revenue_reckoned(($1::text)::date, ($2::text)::date) t1
    where t1.tenant_id = ($3::uuid)
  ),
  '],"recent":[',
  (
    select string_agg(concat(
      '{"month":"',
      t2.month,
      '","billed":"',
      round(t2.billed, 2),
      '"}'
    ), ',' order by t2.line)
    from billing.revenue_reckoned((core.today() - interval '11 months')::date, core.today()) t2
    where t2.tenant_id = ($3::uuid)
  ),
  ']}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($3::uuid)
