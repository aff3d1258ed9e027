select convert_to(concat(
  '{"data":{"tradeTotals":[',
  (
    select string_agg(concat(
      '{"id":"',
      t1.id,
      '","currency":',
      core.as_json(t1.currency),
      ',"draftOrders":',
      t1.draft_orders,
      ',"placedOrders":',
      t1.placed_orders,
      ',"confirmedOrders":',
      t1.confirmed_orders,
      ',"shippedOrders":',
      t1.shipped_orders,
      ',"deliveredOrders":',
      t1.delivered_orders,
      ',"cancelledOrders":',
      t1.cancelled_orders,
      ',"returnedOrders":',
      t1.returned_orders,
      ',"expiredOrders":',
      t1.expired_orders,
      ',"debt":"',
      round(t1.debt, 2),
      '","held":"',
      round(t1.held, 2),
      '","overdue":"',
      round(t1.overdue, 2),
      '","lowProducts":',
      t1.low_products,
      ',"__typename":"TradeTotal"}'
    ), ',' order by t1.line)
    from trade.totals() t1
    where t1.tenant_id = ($1::uuid)
  ),
  '],"tradeAgeing":[',
  (
    select string_agg(concat(
      '{"id":"',
      t2.id,
      '","retailerId":"',
      t2.retailer_id,
      '","currency":',
      core.as_json(t2.currency),
      ',"notDue":"',
      round(t2.not_due, 2),
      '","days1To30":"',
      round(t2.days_1_to_30, 2),
      '","days31To60":"',
      round(t2.days_31_to_60, 2),
      '","days61To90":"',
      round(t2.days_61_to_90, 2),
      '","over90":"',
      round(t2.over_90, 2),
      '","total":"',
      round(t2.total, 2),
      '","overdue":"',
      round(t2.overdue, 2),
      '","debt":"',
      round(t2.debt, 2),
      '","retailer":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t3.name),
          '}'
        )
        from trade.retailers t3
        where t3.tenant_id = ($1::uuid) and t3.id = any (($2::text)::uuid[]) and t3.id = t2.retailer_id
      ), 'null'),
      ',"__typename":"TradeAgeingLine"}'
    ), ',' order by t2.line)
    from trade.ageing() t2
    where t2.tenant_id = ($1::uuid) and t2.retailer_id = any (($2::text)::uuid[])
  ),
  ']}}'
), 'UTF8')
where core.context() = ($3::text) and core.tenant_id() = ($1::uuid)
