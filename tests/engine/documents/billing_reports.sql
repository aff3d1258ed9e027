select convert_to(concat(
  '{"data":{"ageing":[',
  (
    select string_agg(concat(
      '{"id":"',
      t1.id,
      '","clientId":"',
      t1.client_id,
      '","currency":',
      core.as_json(t1.currency),
      ',"notDue":"',
      round(t1.not_due, 2),
      '","days1To30":"',
      round(t1.days_1_to_30, 2),
      '","days31To60":"',
      round(t1.days_31_to_60, 2),
      '","days61To90":"',
      round(t1.days_61_to_90, 2),
      '","over90":"',
      round(t1.over_90, 2),
      '","total":"',
      round(t1.total, 2),
      '","unapplied":"',
      round(t1.unapplied, 2),
      '","lastPaymentDate":',
      coalesce('"' || t1.last_payment_date || '"', 'null'),
      ',"__typename":"AgeingLine","client":',
      coalesce((
        select concat(
          '{"name":',
          core.as_json(t2.name),
          '}'
        )
        from billing.clients t2
        where t2.tenant_id = ($1::uuid) and t2.id = t1.client_id
      ), 'null'),
      '}'
    ), ',' order by t1.line)
    from billing.ageing(core.today()) t1
    where t1.tenant_id = ($1::uuid)
  ),
  '],"ageingTotals":[',
  (
    select string_agg(concat(
      '{"id":"',
      t3.id,
      '","currency":',
      core.as_json(t3.currency),
      ',"clientCount":',
      t3.client_count,
      ',"notDue":"',
      round(t3.not_due, 2),
      '","days1To30":"',
      round(t3.days_1_to_30, 2),
      '","days31To60":"',
      round(t3.days_31_to_60, 2),
      '","days61To90":"',
      round(t3.days_61_to_90, 2),
      '","over90":"',
      round(t3.over_90, 2),
      '","total":"',
      round(t3.total, 2),
      '","unapplied":"',
      round(t3.unapplied, 2),
      '"}'
    ), ',' order by t3.line)
    from billing.ageing_totals(core.today()) t3
    where t3.tenant_id = ($1::uuid)
  ),
  '],"ageingByLastPayment":[',
  (
    select string_agg(concat(
      '{"id":"',
      t4.id,
      '","currency":',
      core.as_json(t4.currency),
      ',"lastPayment":"',
      t4.last_payment,
      '","clientCount":',
      t4.client_count,
      ',"total":"',
      round(t4.total, 2),
      '"}'
    ), ',' order by t4.line)
    from billing.ageing_by_last_payment(core.today()) t4
    where t4.tenant_id = ($1::uuid)
  ),
  '],"now":[',
  (
    select string_agg(concat(
      '{"total":"',
      round(t5.total, 2),
      '"}'
    ), ',' order by t5.line)
    from billing.ageing_totals(core.today()) t5
    where t5.tenant_id = ($1::uuid)
  ),
  '],"client":',
  coalesce((
    select concat(
      '{"statement":[',
      (
        select string_agg(concat(
          '{"id":"',
          t7.id,
          '","kind":"',
          t7.kind,
          '","effectiveDate":"',
          t7.effective_date,
          '","number":',
          coalesce(core.as_json(t7.number)::text, 'null'),
          ',"description":',
          coalesce(core.as_json(t7.description)::text, 'null'),
          ',"currency":',
          core.as_json(t7.currency),
          ',"amount":',
          coalesce('"' || round(t7.amount, 2) || '"', 'null'),
          ',"balance":"',
          round(t7.balance, 2),
          '","invoiceId":',
          coalesce('"' || t7.invoice_id || '"', 'null'),
          ',"paymentId":',
          coalesce('"' || t7.payment_id || '"', 'null'),
          ',"creditNoteId":',
          coalesce('"' || t7.credit_note_id || '"', 'null'),
          ',"invoice":',
          coalesce((
            select concat(
              '{"number":',
              coalesce(core.as_json(t8.number)::text, 'null'),
              '}'
            )
            from billing.invoices t8
            where t8.tenant_id = ($1::uuid) and t8.id = t7.invoice_id
          ), 'null'),
          ',"payment":',
          coalesce((
            select concat(
              '{"amount":"',
              round(t9.amount, 2),
              '","status":"',
              t9.status,
              '"}'
            )
            from billing.payments t9
            where t9.tenant_id = ($1::uuid) and t9.id = t7.payment_id
          ), 'null'),
          ',"creditNote":',
          coalesce((
            select concat(
              '{"reason":',
              core.as_json(t10.reason),
              '}'
            )
            from billing.credit_notes t10
            where t10.tenant_id = ($1::uuid) and t10.id = t7.credit_note_id
          ), 'null'),
          '}'
        ), ',' order by t7.line)
        from billing.statement(t6.id, '1900-01-01'::date, core.today()) t7
        where t7.tenant_id = ($1::uuid)
      ),
      ']}'
    )
    from billing.clients t6
    where t6.tenant_id = ($1::uuid) and t6.id = ($2::uuid) and t6.deleted_at is null
  ), 'null'),
  ',"revenueByMonth":[',
  (
    select string_agg(concat(
      '{"id":"',
      t11.id,
      '","month":"',
      t11.month,
      '","currency":',
      core.as_json(t11.currency),
      ',"billed":"',
      round(t11.billed, 2),
      '","paid":"',
      round(t11.paid, 2),
      '","cash":"',
      round(t11.cash, 2),
      '","refunded":"',
      round(t11.refunded, 2),
      '","credited":"',
      round(t11.credited, 2),
      '"}'
    ), ',' order by t11.line)
    from billing.revenue((core.today() - interval '11 months')::date, core.today()) t11
    where t11.tenant_id = ($1::uuid)
  ),
  '],"collectionByMonth":[',
  (
    select string_agg(concat(
      '{"id":"',
      t12.id,
      '","month":"',
      t12.month,
      '","currency":',
      core.as_json(t12.currency),
      ',"billed":"',
      round(t12.billed, 2),
      '","collected":"',
      round(t12.collected, 2),
      '","collectionRate":',
      coalesce('"' || t12.collection_rate || '"', 'null'),
      ',"receivable":"',
      round(t12.receivable, 2),
      '","days":',
      t12.days,
      ',"daysSalesOutstanding":',
      coalesce('"' || t12.days_sales_outstanding || '"', 'null'),
      '}'
    ), ',' order by t12.line)
    from billing.collections((core.today() - interval '11 months')::date, core.today()) t12
    where t12.tenant_id = ($1::uuid)
  ),
  '],"processingTimes":[',
  (
    select string_agg(concat(
      '{"id":"',
      t13.id,
      '","methodId":"',
      t13.method_id,
      '","paymentCount":',
      t13.payment_count,
      ',"failedCount":',
      t13.failed_count,
      ',"p50":"',
      t13.p50,
      '","p95":"',
      t13.p95,
      '","p99":"',
      t13.p99,
      '"}'
    ), ',' order by t13.line)
    from billing.processing_times(core.today() - 30, core.today()) t13
    where t13.tenant_id = ($1::uuid)
  ),
  ']}}'
), 'UTF8')
where core.context() = ($3::text) and core.tenant_id() = ($1::uuid)
