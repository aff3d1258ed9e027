select convert_to(concat(
  '{"data":{"order":',
  coalesce((
    select concat(
      '{"orderNumber":',
      core.as_json(t1.order_number),
      ',"invoiceNumber":',
      coalesce(core.as_json(t1.invoice_number)::text, 'null'),
      ',"status":"',
      t1.status,
      '","paymentStatus":"',
      t1.payment_status,
      '","currency":',
      core.as_json(t1.currency),
      ',"retailerName":',
      core.as_json(t1.retailer_name),
      ',"vendorName":',
      core.as_json(t1.vendor_name),
      ',"subtotal":"',
      round(t1.subtotal, 2),
      '","tax":"',
      round(t1.tax, 2),
      '","total":"',
      round(t1.total, 2),
      '","prepaid":"',
      round(t1.prepaid, 2),
      '","creditUsed":"',
      round(t1.credit_used, 2),
      '","deliveredSubtotal":"',
      round(t1.delivered_subtotal, 2),
      '","deliveredTax":"',
      round(t1.delivered_tax, 2),
      '","charged":"',
      round(t1.charged, 2),
      '","returnedTotal":"',
      round(t1.returned_total, 2),
      '","paidAmount":"',
      round(t1.paid_amount, 2),
      '","openAmount":"',
      round(t1.open_amount, 2),
      '","placedAt":',
      coalesce(to_json(t1.placed_at)::text, 'null'),
      ',"confirmedAt":',
      coalesce(to_json(t1.confirmed_at)::text, 'null'),
      ',"shippedAt":',
      coalesce(to_json(t1.shipped_at)::text, 'null'),
      ',"deliveredAt":',
      coalesce(to_json(t1.delivered_at)::text, 'null'),
      ',"dueDate":',
      coalesce('"' || t1.due_date || '"', 'null'),
      ',"returnedAt":',
      coalesce(to_json(t1.returned_at)::text, 'null'),
      ',"cancelledAt":',
      coalesce(to_json(t1.cancelled_at)::text, 'null'),
      ',"expiresAt":',
      coalesce(to_json(t1.expires_at)::text, 'null'),
      ',"cancelReason":',
      coalesce(core.as_json(t1.cancel_reason)::text, 'null'),
      ',"createdAt":',
      to_json(t1.created_at),
      ',"updatedAt":',
      to_json(t1.updated_at),
      ',"retailer":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t2.name),
          '}'
        )
        from trade.retailers t2
        where t2.tenant_id = ($1::uuid) and t2.id = t1.retailer_id
      ), 'null'),
      ',"vendor":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t3.name),
          '}'
        )
        from trade.vendors t3
        where t3.tenant_id = ($1::uuid) and t3.id = t1.vendor_id
      ), 'null'),
      ',"creditLine":',
      coalesce((
        select concat(
          '{"id":"',
          t4.id,
          '","debt":"',
          round(t4.debt, 2),
          '"}'
        )
        from trade.credit_lines t4
        where t4.tenant_id = ($1::uuid) and t4.id = t1.credit_line_id
      ), 'null'),
      ',"items":[',
      (
        select string_agg(concat(
          '{"position":',
          t5.position,
          ',"productName":',
          core.as_json(t5.product_name),
          ',"productSku":',
          core.as_json(t5.product_sku),
          ',"unitPrice":"',
          round(t5.unit_price, 2),
          '","taxRate":"',
          t5.tax_rate,
          '","quantity":',
          t5.quantity,
          ',"quantityShipped":',
          t5.quantity_shipped,
          ',"quantityReturned":',
          t5.quantity_returned,
          ',"reserved":',
          t5.reserved,
          ',"amount":"',
          round(t5.amount, 2),
          '","taxAmount":"',
          round(t5.tax_amount, 2),
          '","vendorProduct":',
          coalesce((
            select concat(
              '{"sku":',
              core.as_json(t6.sku),
              '}'
            )
            from trade.vendor_products t6
            where t6.tenant_id = ($1::uuid) and t6.id = t5.vendor_product_id
          ), 'null'),
          ',"order":',
          coalesce((
            select concat(
              '{"id":"',
              t7.id,
              '"}'
            )
            from trade.orders t7
            where t7.tenant_id = ($1::uuid) and t7.id = t5.current_order_id
          ), 'null'),
          '}'
        ), ',' order by t5.position)
        from trade.order_items t5
        where t5.tenant_id = ($1::uuid) and t5.current_order_id = t1.id
      ),
      '],"creditLedger":',
      (
        select concat(
          '{"totalCount":',
          (
            select count(*)
            from trade.credit_entries t8
            where t8.tenant_id = ($1::uuid) and t8.order_id = t1.id
          ),
          ',"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"ledgerNumber":',
            t8.ledger_number,
            ',"transactionType":"',
            t8.transaction_type,
            '"}'
          ) as r0
          from (
            select t8.ledger_number, t8.transaction_type, t8.created_at, t8.id
            from trade.credit_entries t8
            where t8.tenant_id = ($1::uuid) and t8.order_id = t1.id
            order by t8.created_at desc, t8.id desc
            limit 20
          ) t8
        ) t8
      ),
      '}'
    )
    from trade.orders t1
    where t1.tenant_id = ($1::uuid) and t1.id = ($2::uuid)
  ), 'null'),
  ',"last":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.orders t9
        where t9.tenant_id = ($1::uuid) and (t9.retailer_id = ($3::uuid))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"orderNumber":',
        core.as_json(t9.order_number),
        ',"total":"',
        round(t9.total, 2),
        '"}'
      ) as r0
      from (
        select t9.retailer_id, t9.order_number, t9.total, t9.created_at, t9.id
        from trade.orders t9
        where t9.tenant_id = ($1::uuid) and (t9.retailer_id = ($3::uuid))
        order by t9.created_at desc, t9.id desc
        limit 20
      ) t9
    ) t9
  ),
  ',"open":',
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
        '","openAmount":"',
        round(t10.open_amount, 2),
        '","dueDate":',
        coalesce('"' || t10.due_date || '"', 'null'),
        '}'
      ) as r0
      from (
        select t10.open_amount, t10.open_minor, t10.id, t10.due_date
        from trade.orders t10
        where t10.tenant_id = ($1::uuid) and (t10.open_minor > (($4::text)::numeric * 100)::bigint)
        order by t10.open_minor desc, t10.id desc
        limit 20
      ) t10
    ) t10
  ),
  ',"due":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.orders t11
        where t11.tenant_id = ($1::uuid) and (t11.due_date <= ($5::text)::date and t11.payment_status = any (($6::text)::text[]))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t11.id,
        '"}'
      ) as r0
      from (
        select t11.due_date, t11.payment_status, t11.id, t11.created_at
        from trade.orders t11
        where t11.tenant_id = ($1::uuid) and (t11.due_date <= ($5::text)::date and t11.payment_status = any (($6::text)::text[]))
        order by t11.created_at desc, t11.id desc
        limit 20
      ) t11
    ) t11
  ),
  ',"orderGroups":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t12.k0,
      '","paymentStatus":"',
      t12.k1,
      '","currency":',
      core.as_json(t12.k2),
      '},"count":',
      t12.members,
      ',"total":{"sum":"',
      round(t12.a0, 2),
      '"},"openAmount":{"max":"',
      round(t12.a1, 2),
      '"}}'
    ), ',')
    from (
      select t12.status as k0, t12.payment_status as k1, t12.currency as k2, sum(t12.total_minor) * 0.01 as a0, max(t12.open_minor) * 0.01 as a1, count(*) as members
      from trade.orders t12
      where t12.tenant_id = ($1::uuid)
      group by 1, 2, 3
      order by t12.status collate "C", t12.payment_status collate "C", t12.currency collate "C"
      limit 100
    ) t12
  ),
  '],"orderItems":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.order_items t13
        where t13.tenant_id = ($1::uuid) and t13.replaced_at is null
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"position":',
        t13.position,
        ',"productName":',
        core.as_json(t13.product_name),
        ',"amount":"',
        round(t13.amount, 2),
        '","order":',
        coalesce((
          select concat(
            '{"status":"',
            t14.status,
            '"}'
          )
          from trade.orders t14
          where t14.tenant_id = ($1::uuid) and t14.id = t13.current_order_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t13.position, t13.product_name, t13.amount, t13.current_order_id, t13.created_at, t13.id
        from trade.order_items t13
        where t13.tenant_id = ($1::uuid) and t13.replaced_at is null
        order by t13.created_at asc, t13.id asc
        limit 7
      ) t13
    ) t13
  ),
  ',"creditLedger":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from trade.credit_entries t15
        where t15.tenant_id = ($1::uuid) and (t15.retailer_id = ($7::uuid))
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"ledgerNumber":',
        t15.ledger_number,
        ',"transactionType":"',
        t15.transaction_type,
        '","effectiveDate":"',
        t15.effective_date,
        '","dueDate":',
        coalesce('"' || t15.due_date || '"', 'null'),
        ',"currency":',
        core.as_json(t15.currency),
        ',"previousBalance":"',
        round(t15.previous_balance, 2),
        '","amount":"',
        round(t15.amount, 2),
        '","runningBalance":"',
        round(t15.running_balance, 2),
        '","description":',
        coalesce(core.as_json(t15.description)::text, 'null'),
        ',"reversesId":',
        coalesce('"' || t15.reverses_id || '"', 'null'),
        ',"reversalLedgerId":',
        coalesce('"' || ((
          select c.id
          from trade.credit_entries c
          where c.tenant_id = t15.tenant_id and c.reverses_id = t15.id
        )) || '"', 'null'),
        ',"isReversed":',
        case (exists (
          select
          from trade.credit_entries c
          where c.tenant_id = t15.tenant_id and c.reverses_id = t15.id
        )) when true then 'true' when false then 'false' else 'null' end,
        ',"createdAt":',
        to_json(t15.created_at),
        ',"retailer":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t16.name),
            '}'
          )
          from trade.retailers t16
          where t16.tenant_id = ($1::uuid) and t16.id = t15.retailer_id
        ), 'null'),
        ',"vendor":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t17.name),
            '}'
          )
          from trade.vendors t17
          where t17.tenant_id = ($1::uuid) and t17.id = t15.vendor_id
        ), 'null'),
        ',"order":',
        coalesce((
          select concat(
            '{"orderNumber":',
            core.as_json(t18.order_number),
            '}'
          )
          from trade.all_orders t18
          where t18.tenant_id = ($1::uuid) and t18.id = t15.order_id
        ), 'null'),
        ',"creditLine":',
        coalesce((
          select concat(
            '{"id":"',
            t19.id,
            '"}'
          )
          from trade.credit_lines t19
          where t19.tenant_id = ($1::uuid) and t19.id = t15.credit_line_id
        ), 'null'),
        '}'
      ) as r0
      from (
        select t15.retailer_id, t15.ledger_number, t15.transaction_type, t15.effective_date, t15.due_date, t15.currency, t15.previous_balance, t15.amount, t15.running_balance, t15.description, t15.reverses_id, t15.tenant_id, t15.id, t15.created_at, t15.vendor_id, t15.order_id, t15.credit_line_id
        from trade.credit_entries t15
        where t15.tenant_id = ($1::uuid) and (t15.retailer_id = ($7::uuid))
        order by t15.created_at asc, t15.id asc
        limit 20
      ) t15
    ) t15
  ),
  ',"creditLedgerEntryGroups":[',
  (
    select string_agg(concat(
      '{"key":{"transactionType":"',
      t20.k0,
      '","currency":',
      core.as_json(t20.k1),
      '},"count":',
      t20.members,
      ',"amount":{"sum":"',
      round(t20.a0, 2),
      '"}}'
    ), ',')
    from (
      select t20.transaction_type as k0, t20.currency as k1, sum(t20.amount) as a0, count(*) as members
      from trade.credit_entries t20
      where t20.tenant_id = ($1::uuid)
      group by 1, 2
      order by t20.transaction_type collate "C", t20.currency collate "C"
      limit 100
    ) t20
  ),
  ']}}'
), 'UTF8')
where core.context() = ($8::text) and core.tenant_id() = ($1::uuid)
