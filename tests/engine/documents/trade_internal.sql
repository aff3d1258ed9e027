select convert_to(concat(
  '{"data":{"vendors":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"creditLimit":"',
        round(t1.credit_limit, 2),
        '","totalSales":"',
        round(t1.total_sales, 2),
        '","suspensionReason":',
        coalesce(core.as_json(t1.suspension_reason)::text, 'null'),
        ',"metadata":',
        t1.metadata,
        '}'
      ) as r0
      from (
        select t1.credit_limit, t1.total_sales, t1.suspension_reason, t1.metadata, t1.name_key, t1.id
        from trade.vendors t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.name_key asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"retailers":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"metadata":',
        t2.metadata,
        '}'
      ) as r0
      from (
        select t2.metadata, t2.name_key, t2.id
        from trade.retailers t2
        where t2.tenant_id = ($1::uuid) and t2.deleted_at is null
        order by t2.name_key asc, t2.id asc
        limit 20
      ) t2
    ) t2
  ),
  ',"products":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"metadata":',
        t3.metadata,
        '}'
      ) as r0
      from (
        select t3.metadata, t3.name_key, t3.id
        from trade.products t3
        where t3.tenant_id = ($1::uuid)
        order by t3.name_key asc, t3.id asc
        limit 20
      ) t3
    ) t3
  ),
  ',"vendorProducts":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"stockNote":',
        coalesce(core.as_json(t4.stock_note)::text, 'null'),
        '}'
      ) as r0
      from (
        select t4.stock_note, t4.created_at, t4.id
        from trade.vendor_products t4
        where t4.tenant_id = ($1::uuid)
        order by t4.created_at desc, t4.id desc
        limit 20
      ) t4
    ) t4
  ),
  ',"creditScores":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.credit_scores t5
        where t5.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"scoredOn":"',
        t5.scored_on,
        '","score":',
        t5.score,
        ',"riskCategory":"',
        t5.risk_category,
        '","dueOrders":',
        t5.due_orders,
        ',"onTimeOrders":',
        t5.on_time_orders,
        ',"onTimeShare":"',
        t5.on_time_share,
        '","utilisation":"',
        t5.utilisation,
        '","tenureMonths":',
        t5.tenure_months,
        ',"volumePercentile":"',
        t5.volume_percentile,
        '","createdAt":',
        to_json(t5.created_at),
        ',"retailer":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t6.name),
            '}'
          )
          from trade.retailers t6
          where t6.tenant_id = ($1::uuid) and t6.id = t5.retailer_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t5.scored_on, t5.score, t5.risk_category, t5.due_orders, t5.on_time_orders, t5.on_time_share, t5.utilisation, t5.tenure_months, t5.volume_percentile, t5.created_at, t5.retailer_id, t5.id
        from trade.credit_scores t5
        where t5.tenant_id = ($1::uuid)
        order by t5.score asc, t5.id asc
        limit 3
      ) t5
    ) t5
  ),
  ',"creditScoreGroups":[',
  (
    select string_agg(concat(
      '{"key":{"riskCategory":"',
      t7.k0,
      '"},"count":',
      t7.members,
      '}'
    ), ',')
    from (
      select t7.risk_category as k0, count(*) as members
      from trade.credit_scores t7
      where t7.tenant_id = ($1::uuid)
      group by 1
      order by t7.risk_category collate "C"
      limit 100
    ) t7
  ),
  '],"one":',
  coalesce((
    select concat(
      '{"scores":',
      (
        select concat(
          '{"totalCount":',
          (
            select count(*)
            from trade.credit_scores t9
            where t9.tenant_id = ($1::uuid) and t9.retailer_id = t8.id and (t9.scored_on > ($3::text)::date)
          ),
          ',"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"score":',
            t9.score,
            '}'
          ) as r0
          from (
            select t9.scored_on, t9.score, t9.id
            from trade.credit_scores t9
            where t9.tenant_id = ($1::uuid) and t9.retailer_id = t8.id and (t9.scored_on > ($3::text)::date)
            order by t9.scored_on desc, t9.id desc
            limit 20
          ) t9
        ) t9
      ),
      '}'
    )
    from trade.retailers t8
    where t8.tenant_id = ($1::uuid) and t8.id = ($2::uuid) and t8.deleted_at is null
  ), 'null'),
  ',"tradeTotals":[',
  (
    select string_agg(concat(
      '{"currency":',
      core.as_json(t10.currency),
      ',"unreadMessages":',
      t10.unread_messages,
      '}'
    ), ',' order by t10.line)
    from trade.totals() t10
    where t10.tenant_id = ($1::uuid)
  ),
  ']}}'
), 'UTF8')
where core.context() = ($4::text) and core.tenant_id() = ($1::uuid)
