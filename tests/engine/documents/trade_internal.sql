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
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
