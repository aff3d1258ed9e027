select convert_to(concat(
  '{"data":{"all":[',
  (
    select string_agg(concat(
      '{"id":"',
      t1.id,
      '","retailerId":"',
      t1.retailer_id,
      '","currency":',
      core.as_json(t1.currency),
      ',"totalOrders":',
      t1.total_orders,
      ',"totalSpent":"',
      round(t1.total_spent, 2),
      '","avgOrderValue":"',
      round(t1.avg_order_value, 2),
      '","retailer":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t2.name),
          '}'
        )
        from trade.retailers t2
        where t2.tenant_id = ($1::uuid) and t2.id = t1.retailer_id
      ), 'null'),
      ',"__typename":"RetailerStats"}'
    ), ',' order by t1.line)
    from trade.retailer_stats_reckoned(null) t1
    where t1.tenant_id = ($1::uuid)
  ),
  '],"one":[',
  (
    select string_agg(concat(
      '{"totalSpent":"',
      round(t3.total_spent, 2),
      '"}'
    ), ',' order by t3.line)
    from trade.retailer_stats_reckoned(($2::uuid)) t3
    where t3.tenant_id = ($1::uuid)
  ),
  '],"retailers":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t4.name),
        ',"stats":[',
        (
          select string_agg(concat(
            '{"totalOrders":',
            t5.total_orders,
            ',"avgOrderValue":"',
            round(t5.avg_order_value, 2),
            '"}'
          ), ',' order by t5.line)
          from trade.retailer_stats_reckoned(t4.id) t5
          where t5.tenant_id = ($1::uuid)
        ),
        ']}'
      ) as r0
      from (
        select t4.name, t4.id, t4.name_key
        from trade.retailers t4
        where t4.tenant_id = ($1::uuid) and t4.deleted_at is null
        order by t4.name_key asc, t4.id asc
        limit 20
      ) t4
    ) t4
  ),
  '}}'
), 'UTF8')
where core.context() = ($3::text) and core.tenant_id() = ($1::uuid)
