select convert_to(concat(
  '{"data":{"payments":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.payments t1
        where t1.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","status":"',
        t1.status,
        '","clientId":"',
        t1.client_id,
        '","methodId":"',
        t1.method_id,
        '","amount":"',
        round(t1.amount, 2),
        '","currency":',
        core.as_json(t1.currency),
        ',"receivedAt":',
        to_json(t1.received_at),
        ',"receivedOn":"',
        t1.received_on,
        '","reference":',
        coalesce(core.as_json(t1.reference)::text, 'null'),
        ',"requestId":',
        coalesce(core.as_json(t1.request_id)::text, 'null'),
        ',"processingTimeMs":',
        coalesce(t1.processing_time_ms::text, 'null'),
        ',"failureReason":',
        coalesce(core.as_json(t1.failure_reason)::text, 'null'),
        ',"retryCount":',
        t1.retry_count,
        ',"lastRetryAt":',
        coalesce(to_json(t1.last_retry_at)::text, 'null'),
        ',"startedAt":',
        coalesce(to_json(t1.started_at)::text, 'null'),
        ',"confirmedAt":',
        coalesce(to_json(t1.confirmed_at)::text, 'null'),
        ',"failedAt":',
        coalesce(to_json(t1.failed_at)::text, 'null'),
        ',"reversedAt":',
        coalesce(to_json(t1.reversed_at)::text, 'null'),
        ',"reversalReason":',
        coalesce(core.as_json(t1.reversal_reason)::text, 'null'),
        ',"isReconciled":',
        case t1.is_reconciled when true then 'true' when false then 'false' else 'null' end,
        ',"reconciledAt":',
        coalesce(to_json(t1.reconciled_at)::text, 'null'),
        ',"appliedAmount":"',
        round(t1.applied_amount, 2),
        '","unappliedAmount":"',
        round(t1.unapplied_amount, 2),
        '","refundedAmount":"',
        round(t1.refunded_amount, 2),
        '","metadata":',
        t1.metadata,
        ',"createdAt":',
        to_json(t1.created_at),
        ',"updatedAt":',
        to_json(t1.updated_at),
        ',"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t2.name),
            ',"health":"',
            (case
            when greatest(core.today() - t2.oldest_due_date, 0) > 60 then 'AT_RISK'
            when greatest(core.today() - t2.oldest_due_date, 0) > 0 then 'WARNING'
            when t2.avg_payment_days <= case t2.payment_terms
                when 'DUE_ON_RECEIPT' then 0 when 'NET_15' then 15 when 'NET_60' then 60
                when 'NET_90' then 90 else 30 end
            then 'EXCELLENT'
            else 'GOOD'
        end),
            '"}'
          )
          from billing.clients t2
          where t2.tenant_id = ($1::uuid) and t2.id = t1.client_id
        ), 'null'),
        ',"refunds":[',
        (
          select string_agg(concat(
            '{"id":"',
            t3.id,
            '","amount":"',
            round(t3.amount, 2),
            '","refundedOn":"',
            t3.refunded_on,
            '","reason":',
            core.as_json(t3.reason),
            ',"reference":',
            coalesce(core.as_json(t3.reference)::text, 'null'),
            ',"createdAt":',
            to_json(t3.created_at),
            '}'
          ), ',')
          from (
            select t3.id, t3.amount, t3.refunded_on, t3.reason, t3.reference, t3.created_at
            from billing.payment_refunds t3
            where t3.tenant_id = ($1::uuid) and t3.payment_id = t1.id
            order by t3.created_at, t3.id
            limit 1000
          ) t3
        ),
        '],"allocations":',
        (
          select concat(
            '{"totalCount":',
            (
              select count(*)
              from billing.allocations t4
              where t4.tenant_id = ($1::uuid) and t4.payment_id = t1.id
            ),
            ',"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"id":"',
              t4.id,
              '","clientId":"',
              t4.client_id,
              '","invoiceId":"',
              t4.invoice_id,
              '","paymentId":',
              coalesce('"' || t4.payment_id || '"', 'null'),
              ',"creditNoteId":',
              coalesce('"' || t4.credit_note_id || '"', 'null'),
              ',"amount":"',
              round(t4.amount, 2),
              '","refunded":"',
              round(t4.refunded, 2),
              '","net":"',
              round(t4.net, 2),
              '","effectiveDate":"',
              t4.effective_date,
              '","appliedAt":',
              coalesce(to_json(t4.applied_at)::text, 'null'),
              ',"releasedAt":',
              coalesce(to_json(t4.released_at)::text, 'null'),
              ',"createdAt":',
              to_json(t4.created_at),
              ',"invoice":',
              coalesce((
                select concat(
                  '{"number":',
                  coalesce(core.as_json(t5.number)::text, 'null'),
                  ',"status":"',
                  t5.status,
                  '","balance":"',
                  round(t5.balance, 2),
                  '"}'
                )
                from billing.invoices t5
                where t5.tenant_id = ($1::uuid) and t5.id = t4.invoice_id
              ), 'null'),
              ',"payment":',
              coalesce((
                select concat(
                  '{"id":"',
                  t6.id,
                  '"}'
                )
                from billing.payments t6
                where t6.tenant_id = ($1::uuid) and t6.id = t4.payment_id
              ), 'null'),
              ',"creditNote":',
              coalesce((
                select concat(
                  '{"number":',
                  coalesce(core.as_json(t7.number)::text, 'null'),
                  '}'
                )
                from billing.credit_notes t7
                where t7.tenant_id = ($1::uuid) and t7.id = t4.credit_note_id
              ), 'null'),
              '}'
            ) as r0
            from (
              select t4.id, t4.client_id, t4.invoice_id, t4.payment_id, t4.credit_note_id, t4.amount, t4.refunded, t4.net, t4.effective_date, t4.applied_at, t4.released_at, t4.created_at
              from billing.allocations t4
              where t4.tenant_id = ($1::uuid) and t4.payment_id = t1.id
              order by t4.created_at desc, t4.id desc
              limit 3
            ) t4
          ) t4
        ),
        '}'
      ) as r0
      from (
        select t1.id, t1.status, t1.client_id, t1.method_id, t1.amount, t1.currency, t1.received_at, t1.received_on, t1.reference, t1.request_id, t1.processing_time_ms, t1.failure_reason, t1.retry_count, t1.last_retry_at, t1.started_at, t1.confirmed_at, t1.failed_at, t1.reversed_at, t1.reversal_reason, t1.is_reconciled, t1.reconciled_at, t1.applied_amount, t1.unapplied_amount, t1.refunded_amount, t1.metadata, t1.created_at, t1.updated_at, t1.amount_minor
        from billing.payments t1
        where t1.tenant_id = ($1::uuid)
        order by t1.amount_minor desc, t1.received_at asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"byDay":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t8.id,
        '","receivedOn":"',
        t8.received_on,
        '"}'
      ) as r0
      from (
        select t8.received_on, t8.id, t8.received_at
        from billing.payments t8
        where t8.tenant_id = ($1::uuid) and (t8.received_on = ($2::text)::date)
        order by t8.received_at desc, t8.id desc
        limit 20
      ) t8
    ) t8
  ),
  ',"retried":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"retryCount":',
        t9.retry_count,
        '}'
      ) as r0
      from (
        select t9.retry_count, t9.is_reconciled, t9.received_at, t9.id
        from billing.payments t9
        where t9.tenant_id = ($1::uuid) and (t9.retry_count >= ($3::text)::bigint and not t9.is_reconciled)
        order by t9.received_at desc, t9.id desc
        limit 20
      ) t9
    ) t9
  ),
  ',"failed":',
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
        '","status":"',
        t10.status,
        '"}'
      ) as r0
      from (
        select t10.status, t10.id, t10.retry_count
        from billing.payments t10
        where t10.tenant_id = ($1::uuid) and (t10.status = any (($4::text)::text[]))
        order by t10.retry_count desc, t10.id desc
        limit 20
      ) t10
    ) t10
  ),
  ',"requested":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"requestId":',
        coalesce(core.as_json(t11.request_id)::text, 'null'),
        ',"reference":',
        coalesce(core.as_json(t11.reference)::text, 'null'),
        '}'
      ) as r0
      from (
        select t11.request_id, t11.reference, t11.received_at, t11.id
        from billing.payments t11
        where t11.tenant_id = ($1::uuid) and (t11.request_id = ($5::text))
        order by t11.received_at desc, t11.id desc
        limit 20
      ) t11
    ) t11
  ),
  ',"paymentGroups":[',
  (
    select string_agg(concat(
      '{"key":{"status":"',
      t12.k0,
      '","receivedOnMonth":"',
      t12.k1,
      '","currency":',
      core.as_json(t12.k2),
      '},"count":',
      t12.members,
      ',"amount":{"sum":"',
      round(t12.a0, 2),
      '","avg":"',
      round(t12.a1, 2),
      '","min":"',
      round(t12.a2, 2),
      '","max":"',
      round(t12.a3, 2),
      '"}}'
    ), ',')
    from (
      select t12.status as k0, date_trunc('month', t12.received_on::timestamp)::date as k1, t12.currency as k2, sum(t12.amount_minor) * 0.01 as a0, round(avg(t12.amount), 2) as a1, min(t12.amount_minor) * 0.01 as a2, max(t12.amount_minor) * 0.01 as a3, count(*) as members
      from billing.payments t12
      where t12.tenant_id = ($1::uuid)
      group by 1, 2, 3
      order by t12.status collate "C", k1, t12.currency collate "C"
      limit 100
    ) t12
  ),
  '],"creditNotes":',
  (
    select concat(
      '{"totalCount":',
      (
        select count(*)
        from billing.credit_notes t13
        where t13.tenant_id = ($1::uuid)
      ),
      ',"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t13.id,
        '","number":',
        coalesce(core.as_json(t13.number)::text, 'null'),
        ',"clientId":"',
        t13.client_id,
        '","invoiceId":',
        coalesce('"' || t13.invoice_id || '"', 'null'),
        ',"issueDate":"',
        t13.issue_date,
        '","currency":',
        core.as_json(t13.currency),
        ',"reason":',
        core.as_json(t13.reason),
        ',"subtotal":"',
        round(t13.subtotal, 2),
        '","taxAmount":"',
        round(t13.tax_amount, 2),
        '","total":"',
        round(t13.total, 2),
        '","appliedAmount":"',
        round(t13.applied_amount, 2),
        '","unappliedAmount":"',
        round(t13.unapplied_amount, 2),
        '","metadata":',
        t13.metadata,
        ',"externalRef":',
        coalesce(core.as_json(t13.external_ref)::text, 'null'),
        ',"issuedAt":',
        coalesce(to_json(t13.issued_at)::text, 'null'),
        ',"createdAt":',
        to_json(t13.created_at),
        ',"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t14.name),
            '}'
          )
          from billing.clients t14
          where t14.tenant_id = ($1::uuid) and t14.id = t13.client_id
        ), 'null'),
        ',"invoice":',
        coalesce((
          select concat(
            '{"number":',
            coalesce(core.as_json(t15.number)::text, 'null'),
            ',"credited":"',
            round(t15.credited, 2),
            '"}'
          )
          from billing.invoices t15
          where t15.tenant_id = ($1::uuid) and t15.id = t13.invoice_id
        ), 'null'),
        ',"lines":[',
        (
          select string_agg(concat(
            '{"id":"',
            t16.id,
            '","position":',
            t16.position,
            ',"description":',
            core.as_json(t16.description),
            ',"quantity":"',
            t16.quantity,
            '","unitPrice":"',
            round(t16.unit_price, 2),
            '","taxRate":"',
            t16.tax_rate,
            '","taxAmount":"',
            round(t16.tax_amount, 2),
            '","amount":"',
            round(t16.amount, 2),
            '"}'
          ), ',' order by t16.position)
          from billing.credit_note_lines t16
          where t16.tenant_id = ($1::uuid) and t16.credit_note_id = t13.id
        ),
        '],"allocations":',
        (
          select concat(
            '{"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"net":"',
              round(t17.net, 2),
              '","paymentId":',
              coalesce('"' || t17.payment_id || '"', 'null'),
              '}'
            ) as r0
            from (
              select t17.net, t17.payment_id, t17.created_at, t17.id
              from billing.allocations t17
              where t17.tenant_id = ($1::uuid) and t17.credit_note_id = t13.id
              order by t17.created_at desc, t17.id desc
              limit 20
            ) t17
          ) t17
        ),
        '}'
      ) as r0
      from (
        select t13.id, t13.number, t13.client_id, t13.invoice_id, t13.issue_date, t13.currency, t13.reason, t13.subtotal, t13.tax_amount, t13.total, t13.applied_amount, t13.unapplied_amount, t13.metadata, t13.external_ref, t13.issued_at, t13.created_at, t13.number_key
        from billing.credit_notes t13
        where t13.tenant_id = ($1::uuid)
        order by t13.number_key asc, t13.id asc
        limit 20
      ) t13
    ) t13
  ),
  ',"creditNoteGroups":[',
  (
    select string_agg(concat(
      '{"key":{"issueDateFiscalYear":',
      t18.k0,
      ',"currency":',
      core.as_json(t18.k1),
      '},"count":',
      t18.members,
      ',"total":{"sum":"',
      round(t18.a0, 2),
      '"},"taxAmount":{"sum":"',
      round(t18.a1, 2),
      '"}}'
    ), ',')
    from (
      select core.fiscal_year(t18.issue_date, core.fiscal_year_start()) as k0, t18.currency as k1, sum(t18.total_minor) * 0.01 as a0, sum(t18.tax_amount) as a1, count(*) as members
      from billing.credit_notes t18
      where t18.tenant_id = ($1::uuid)
      group by 1, 2
      order by k0, t18.currency collate "C"
      limit 100
    ) t18
  ),
  '],"allocations":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t19.id,
        '","net":"',
        round(t19.net, 2),
        '"}'
      ) as r0
      from (
        select t19.credit_note_id, t19.id, t19.net, t19.created_at
        from billing.allocations t19
        where t19.tenant_id = ($1::uuid) and (t19.credit_note_id is not null)
        order by t19.created_at desc, t19.id desc
        limit 20
      ) t19
    ) t19
  ),
  ',"paid":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"number":',
        coalesce(core.as_json(t20.number)::text, 'null'),
        ',"paidDate":',
        coalesce('"' || t20.paid_date || '"', 'null'),
        ',"allocations":',
        (
          select concat(
            '{"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"amount":"',
              round(t21.amount, 2),
              '"}'
            ) as r0
            from (
              select t21.amount, t21.created_at, t21.id
              from billing.allocations t21
              where t21.tenant_id = ($1::uuid) and t21.invoice_id = t20.id
              order by t21.created_at desc, t21.id desc
              limit 20
            ) t21
          ) t21
        ),
        ',"creditNotes":',
        (
          select concat(
            '{"nodes":[',
            string_agg(r0, ','),
            ']}'
          )
          from (
            select concat(
              '{"total":"',
              round(t22.total, 2),
              '"}'
            ) as r0
            from (
              select t22.total, t22.issue_date, t22.id
              from billing.credit_notes t22
              where t22.tenant_id = ($1::uuid) and t22.invoice_id = t20.id
              order by t22.issue_date desc, t22.id desc
              limit 20
            ) t22
          ) t22
        ),
        '}'
      ) as r0
      from (
        select t20.paid_date, t20.paid_amount, t20.paid_minor, t20.number, t20.id, t20.issue_date
        from billing.invoices t20
        where t20.tenant_id = ($1::uuid) and (t20.paid_date is not null and t20.paid_minor > (($6::text)::numeric * 100)::bigint)
        order by t20.issue_date desc, t20.id desc
        limit 20
      ) t20
    ) t20
  ),
  ',"client":',
  coalesce((
    select concat(
      '{"payments":',
      (
        select concat(
          '{"totalCount":',
          (
            select count(*)
            from billing.payments t24
            where t24.tenant_id = ($1::uuid) and t24.client_id = t23.id
          ),
          ',"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"amount":"',
            round(t24.amount, 2),
            '"}'
          ) as r0
          from (
            select t24.amount, t24.received_at, t24.id
            from billing.payments t24
            where t24.tenant_id = ($1::uuid) and t24.client_id = t23.id
            order by t24.received_at desc, t24.id desc
            limit 2
          ) t24
        ) t24
      ),
      ',"creditNotes":',
      (
        select concat(
          '{"nodes":[',
          string_agg(r0, ','),
          ']}'
        )
        from (
          select concat(
            '{"number":',
            coalesce(core.as_json(t25.number)::text, 'null'),
            '}'
          ) as r0
          from (
            select t25.number, t25.issue_date, t25.id
            from billing.credit_notes t25
            where t25.tenant_id = ($1::uuid) and t25.client_id = t23.id
            order by t25.issue_date desc, t25.id desc
            limit 20
          ) t25
        ) t25
      ),
      '}'
    )
    from billing.clients t23
    where t23.tenant_id = ($1::uuid) and t23.id = ($7::uuid) and t23.deleted_at is null
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($8::text) and core.tenant_id() = ($1::uuid)
