select convert_to(concat(
  '{"data":{"vendor":',
  coalesce((
    select concat(
      '{"vendorCode":',
      core.as_json(t1.vendor_code),
      ',"name":',
      core.as_json(t1.name),
      ',"contact":',
      coalesce(core.as_json(t1.contact)::text, 'null'),
      ',"email":',
      coalesce(core.as_json(t1.email)::text, 'null'),
      ',"phone":',
      coalesce(core.as_json(t1.phone)::text, 'null'),
      ',"address":',
      coalesce(core.as_json(t1.address)::text, 'null'),
      ',"currency":',
      core.as_json(t1.currency),
      ',"isApproved":',
      case t1.is_approved when true then 'true' when false then 'false' else 'null' end,
      ',"createdAt":',
      to_json(t1.created_at),
      ',"updatedAt":',
      to_json(t1.updated_at),
      ',"products":',
      (
        select concat(
          '{"totalCount":',
          (
            select count(*)
            from trade.vendor_products t2
            where t2.tenant_id = ($1::uuid) and t2.vendor_id = any (($2::text)::uuid[]) and t2.vendor_id = t1.id
          ),
          ',"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"sku":',
            core.as_json(t2.sku),
            ',"vendorPrice":"',
            round(t2.vendor_price, 2),
            '","currency":',
            core.as_json(t2.currency),
            ',"stock":',
            t2.stock,
            ',"reserved":',
            t2.reserved,
            ',"freeStock":',
            t2.free_stock,
            ',"isLow":',
            case t2.is_low when true then 'true' when false then 'false' else 'null' end,
            '}'
          ) as r0
          from (
            select t2.sku, t2.vendor_price, t2.currency, t2.stock, t2.reserved, t2.free_stock, t2.is_low, t2.vendor_price_minor, t2.id
            from trade.vendor_products t2
            where t2.tenant_id = ($1::uuid) and t2.vendor_id = any (($2::text)::uuid[]) and t2.vendor_id = t1.id
            order by t2.vendor_price_minor desc, t2.id desc
            limit 20
          ) t2
        ) t2
      ),
      ',"creditLines":',
      (
        select concat(
          '{"totalCount":',
          (
            select count(*)
            from trade.credit_lines t3
            where t3.tenant_id = ($1::uuid) and t3.vendor_id = any (($2::text)::uuid[]) and t3.vendor_id = t1.id
          ),
          ',"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"id":"',
            t3.id,
            '","retailer":',
            coalesce((
              select concat(
                '{"name":',
                core.as_json(t4.name),
                '}'
              )
              from trade.retailers t4
              where t4.tenant_id = ($1::uuid) and false and t4.id = t3.retailer_id
            ), 'null'),
            '}'
          ) as r0
          from (
            select t3.id, t3.retailer_id, t3.created_at
            from trade.credit_lines t3
            where t3.tenant_id = ($1::uuid) and t3.vendor_id = any (($2::text)::uuid[]) and t3.vendor_id = t1.id
            order by t3.created_at desc, t3.id desc
            limit 20
          ) t3
        ) t3
      ),
      '}'
    )
    from trade.vendors t1
    where t1.tenant_id = ($1::uuid) and t1.id = any (($2::text)::uuid[]) and t1.id = ($3::uuid) and t1.deleted_at is null
  ), 'null'),
  ',"retailer":',
  coalesce((
    select concat(
      '{"retailerCode":',
      core.as_json(t5.retailer_code),
      ',"name":',
      core.as_json(t5.name),
      ',"phone":',
      coalesce(core.as_json(t5.phone)::text, 'null'),
      ',"email":',
      coalesce(core.as_json(t5.email)::text, 'null'),
      ',"address":',
      coalesce(core.as_json(t5.address)::text, 'null'),
      ',"currency":',
      core.as_json(t5.currency),
      ',"creditScore":',
      t5.credit_score,
      ',"riskCategory":"',
      t5.risk_category,
      '","lastOrderAt":',
      coalesce(to_json(t5.last_order_at)::text, 'null'),
      ',"outstandingDebt":"',
      round(t5.outstanding_debt, 2),
      '","availableCredit":"',
      round(t5.available_credit, 2),
      '","creditLines":',
      (
        select concat(
          '{"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"termsDays":',
            t6.terms_days,
            ',"state":"',
            t6.state,
            '","stateReason":',
            coalesce(core.as_json(t6.state_reason)::text, 'null'),
            ',"creditLimit":"',
            round(t6.credit_limit, 2),
            '","debt":"',
            round(t6.debt, 2),
            '","held":"',
            round(t6.held, 2),
            '","available":"',
            round(t6.available, 2),
            '","vendor":',
            coalesce((
              select concat(
                '{"name":',
                core.as_json(t7.name),
                ',"products":',
                (
                  select concat(
                    '{"totalCount":',
                    (
                      select count(*)
                      from trade.vendor_products t8
                      where t8.tenant_id = ($1::uuid) and t8.vendor_id = any (($2::text)::uuid[]) and t8.vendor_id = t7.id
                    ),
                    '}'
                  )
                ),
                '}'
              )
              from trade.vendors t7
              where t7.tenant_id = ($1::uuid) and t7.id = any (($2::text)::uuid[]) and t7.id = t6.vendor_id
            ), 'null'),
            '}'
          ) as r0
          from (
            select t6.terms_days, t6.state, t6.state_reason, t6.credit_limit, t6.debt, t6.held, t6.available, t6.vendor_id, t6.debt_minor, t6.id
            from trade.credit_lines t6
            where t6.tenant_id = ($1::uuid) and t6.vendor_id = any (($2::text)::uuid[]) and t6.retailer_id = t5.id
            order by t6.debt_minor desc, t6.id desc
            limit 20
          ) t6
        ) t6
      ),
      '}'
    )
    from trade.retailers t5
    where t5.tenant_id = ($1::uuid) and false and t5.id = ($4::uuid) and t5.deleted_at is null
  ), 'null'),
  ',"vendors":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.vendors t9
        where t9.tenant_id = ($1::uuid) and t9.id = any (($2::text)::uuid[]) and t9.deleted_at is null and ((t9.name_key >= lower(($5::text)) and t9.name_key < lower(($5::text)) || repeat(chr(1114111), 255)))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"vendorCode":',
        core.as_json(t9.vendor_code),
        '}'
      ) as r0
      from (
        select t9.name, t9.name_key, t9.vendor_code, t9.id
        from trade.vendors t9
        where t9.tenant_id = ($1::uuid) and t9.id = any (($2::text)::uuid[]) and t9.deleted_at is null and ((t9.name_key >= lower(($5::text)) and t9.name_key < lower(($5::text)) || repeat(chr(1114111), 255)))
        order by t9.vendor_code asc, t9.id asc
        limit 20
      ) t9
    ) t9
  ),
  ',"retailers":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.retailers t10
        where t10.tenant_id = ($1::uuid) and false and t10.deleted_at is null and (t10.outstanding_debt_minor > (($6::text)::numeric * 100)::bigint)
      ),
      ',"nodes":[',
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
        select t10.outstanding_debt, t10.outstanding_debt_minor, t10.id, t10.name_key
        from trade.retailers t10
        where t10.tenant_id = ($1::uuid) and false and t10.deleted_at is null and (t10.outstanding_debt_minor > (($6::text)::numeric * 100)::bigint)
        order by t10.name_key asc, t10.id asc
        limit 20
      ) t10
    ) t10
  ),
  ',"worst":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"creditScore":',
        t11.credit_score,
        ',"riskCategory":"',
        t11.risk_category,
        '"}'
      ) as r0
      from (
        select t11.risk_category, t11.credit_score, t11.id
        from trade.retailers t11
        where t11.tenant_id = ($1::uuid) and false and t11.deleted_at is null and (t11.risk_category = any (($7::text)::text[]))
        order by t11.credit_score asc, t11.id asc
        limit 20
      ) t11
    ) t11
  ),
  ',"retailerGroups":[',
  (
    select string_agg(concat(
      '{"key":{"riskCategory":"',
      t12.k0,
      '","currency":',
      core.as_json(t12.k1),
      '},"count":',
      t12.members,
      ',"outstandingDebt":{"sum":"',
      round(t12.a0, 2),
      '","max":"',
      round(t12.a1, 2),
      '"}}'
    ), ',')
    from (
      select t12.risk_category as k0, t12.currency as k1, sum(t12.outstanding_debt_minor) * 0.01 as a0, max(t12.outstanding_debt_minor) * 0.01 as a1, count(*) as members
      from trade.retailers t12
      where t12.tenant_id = ($1::uuid) and false and t12.deleted_at is null
      group by 1, 2
      order by t12.risk_category collate "C", t12.currency collate "C"
      limit 100
    ) t12
  ),
  '],"creditLines":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.credit_lines t13
        where t13.tenant_id = ($1::uuid) and t13.vendor_id = any (($2::text)::uuid[]) and (exists (
          select
          from trade.vendors t14
          where t14.tenant_id = ($1::uuid) and t14.id = any (($2::text)::uuid[]) and t14.id = t13.vendor_id and (t14.is_approved)
        ) and t13.available_minor <= (($8::text)::numeric * 100)::bigint)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"available":"',
        round(t13.available, 2),
        '","retailer":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t15.name),
            '}'
          )
          from trade.retailers t15
          where t15.tenant_id = ($1::uuid) and false and t15.id = t13.retailer_id
        ), 'null'),
        ',"vendor":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t16.name),
            '}'
          )
          from trade.vendors t16
          where t16.tenant_id = ($1::uuid) and t16.id = any (($2::text)::uuid[]) and t16.id = t13.vendor_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t13.vendor_id, t13.available, t13.available_minor, t13.retailer_id, t13.created_at, t13.id
        from trade.credit_lines t13
        where t13.tenant_id = ($1::uuid) and t13.vendor_id = any (($2::text)::uuid[]) and (exists (
          select
          from trade.vendors t14
          where t14.tenant_id = ($1::uuid) and t14.id = any (($2::text)::uuid[]) and t14.id = t13.vendor_id and (t14.is_approved)
        ) and t13.available_minor <= (($8::text)::numeric * 100)::bigint)
        order by t13.created_at desc, t13.id desc
        limit 20
      ) t13
    ) t13
  ),
  ',"creditLineGroups":[',
  (
    select string_agg(concat(
      '{"key":{"state":"',
      t17.k0,
      '","currency":',
      core.as_json(t17.k1),
      '},"count":',
      t17.members,
      ',"debt":{"sum":"',
      round(t17.a0, 2),
      '"}}'
    ), ',')
    from (
      select t17.state as k0, t17.currency as k1, sum(t17.debt_minor) * 0.01 as a0, count(*) as members
      from trade.credit_lines t17
      where t17.tenant_id = ($1::uuid) and t17.vendor_id = any (($2::text)::uuid[])
      group by 1, 2
      order by t17.state collate "C", t17.currency collate "C"
      limit 100
    ) t17
  ),
  '],"products":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.products t18
        where t18.tenant_id = ($1::uuid) and (t18.is_active)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"productCode":',
        core.as_json(t18.product_code),
        ',"name":',
        core.as_json(t18.name),
        ',"hsnCode":',
        coalesce(core.as_json(t18.hsn_code)::text, 'null'),
        ',"barcode":',
        coalesce(core.as_json(t18.barcode)::text, 'null'),
        ',"category":',
        core.as_json(t18.category),
        ',"subCategory":',
        core.as_json(t18.sub_category),
        ',"taxRate":"',
        t18.tax_rate,
        '","isActive":',
        case t18.is_active when true then 'true' when false then 'false' else 'null' end,
        ',"vendors":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from trade.vendor_products t19
              where t19.tenant_id = ($1::uuid) and t19.vendor_id = any (($2::text)::uuid[]) and t19.product_id = t18.id and (t19.is_available)
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"vendorPrice":"',
              round(t19.vendor_price, 2),
              '","vendor":',
              coalesce((
                select concat(
                  '{"name":',
                  core.as_json(t20.name),
                  '}'
                )
                from trade.vendors t20
                where t20.tenant_id = ($1::uuid) and t20.id = any (($2::text)::uuid[]) and t20.id = t19.vendor_id
              ), 'null'),
              '}'
            ) as r0
            from (
              select t19.is_available, t19.vendor_price, t19.vendor_id, t19.created_at, t19.id
              from trade.vendor_products t19
              where t19.tenant_id = ($1::uuid) and t19.vendor_id = any (($2::text)::uuid[]) and t19.product_id = t18.id and (t19.is_available)
              order by t19.created_at desc, t19.id desc
              limit 2
            ) t19
          ) t19
        ),
        '}'
      ) as r0
      from (
        select t18.is_active, t18.product_code, t18.name, t18.hsn_code, t18.barcode, t18.category, t18.sub_category, t18.tax_rate, t18.id, t18.name_key
        from trade.products t18
        where t18.tenant_id = ($1::uuid) and (t18.is_active)
        order by t18.name_key desc, t18.id desc
        limit 20
      ) t18
    ) t18
  ),
  ',"found":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.products t21
        where t21.tenant_id = ($1::uuid) and t21.id = any ((
          select trade.products_search(($9::text))
        )::uuid[])
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasNextPage":',
      case when count(*) > 20 then 'true' else 'false' end,
      '}}'
    )
    from (
      select case when n <= 20 then concat(
        '{"name":',
        core.as_json(t21.name),
        '}'
      ) end as r0, n, m
      from (
        select t21.*, row_number() over () as n, count(*) over () as m
        from (
          select t21.name, t21.name_key, t21.id
          from trade.products t21
          where t21.tenant_id = ($1::uuid) and t21.id = any ((
            select trade.products_search(($9::text), 21, null, null)
          )::uuid[])
          order by t21.name_key asc, t21.id asc
          limit 21
        ) t21
      ) t21
    ) t21
  ),
  ',"foundBackwards":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.products t22
        where t22.tenant_id = ($1::uuid) and (t22.category = ($11::text)) and t22.id = any ((
          select trade.products_search(($10::text))
        )::uuid[])
      ),
      ',"edges":[',
      string_agg(r0, ','),
      '],"pageInfo":{"hasPreviousPage":',
      case when count(*) > 1 then 'true' else 'false' end,
      '}}'
    )
    from (
      select case when n <= 1 then concat(
        '{"cursor":"',
        translate(encode(convert_to(json_build_array('Product,PRODUCT_CODE_DESC', t22.product_code, t22.id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_'),
        '","node":{"name":',
        core.as_json(t22.name),
        '}}'
      ) end as r0, n, m
      from (
        select t22.*, row_number() over () as n, count(*) over () as m
        from (
          select t22.category, t22.product_code, t22.id, t22.name
          from trade.products t22
          where t22.tenant_id = ($1::uuid) and (t22.category = ($11::text)) and t22.id = any ((
            select trade.products_search(($10::text))
          )::uuid[])
          order by t22.product_code asc, t22.id asc
          limit 2
        ) t22
      ) t22
      order by n desc
    ) t22
  ),
  ',"pattern":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"name":',
        core.as_json(t23.name),
        '}'
      ) as r0
      from (
        select t23.name, t23.name_key, t23.id
        from trade.products t23
        where t23.tenant_id = ($1::uuid) and t23.id = any ((
          select trade.products_search(($12::text), 21, null, null)
        )::uuid[])
        order by t23.name_key asc, t23.id asc
        limit 20
      ) t23
    ) t23
  ),
  ',"productGroups":[',
  (
    select string_agg(concat(
      '{"key":{"category":',
      core.as_json(t24.k0),
      '},"count":',
      t24.members,
      '}'
    ), ',')
    from (
      select t24.category as k0, count(*) as members
      from trade.products t24
      where t24.tenant_id = ($1::uuid)
      group by 1
      order by t24.category collate "C"
      limit 100
    ) t24
  ),
  '],"low":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"sku":',
        core.as_json(t25.sku),
        ',"freeStock":',
        t25.free_stock,
        ',"lowStockLevel":',
        t25.low_stock_level,
        ',"isAvailable":',
        case t25.is_available when true then 'true' when false then 'false' else 'null' end,
        ',"vendorIsApproved":',
        case t25.vendor_is_approved when true then 'true' when false then 'false' else 'null' end,
        ',"stockedAt":',
        coalesce(to_json(t25.stocked_at)::text, 'null'),
        ',"metadata":',
        t25.metadata,
        ',"product":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t26.name),
            '}'
          )
          from trade.products t26
          where t26.tenant_id = ($1::uuid) and t26.id = t25.product_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t25.is_low, t25.sku, t25.free_stock, t25.low_stock_level, t25.is_available, t25.vendor_is_approved, t25.stocked_at, t25.metadata, t25.product_id, t25.id
        from trade.vendor_products t25
        where t25.tenant_id = ($1::uuid) and t25.vendor_id = any (($2::text)::uuid[]) and (t25.is_low)
        order by t25.free_stock asc, t25.id asc
        limit 20
      ) t25
    ) t25
  ),
  '}}'
), 'UTF8')
where core.context() = ($13::text) and core.tenant_id() = ($1::uuid)
