select convert_to(concat(
  '{"data":{"clients":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t1.id,
        '","name":',
        core.as_json(t1.name),
        ',"email":',
        coalesce(core.as_json(t1.email)::text, 'null'),
        ',"phone":',
        coalesce(core.as_json(t1.phone)::text, 'null'),
        ',"address":',
        coalesce(core.as_json(t1.address)::text, 'null'),
        ',"city":',
        coalesce(core.as_json(t1.city)::text, 'null'),
        ',"state":',
        coalesce(core.as_json(t1.state)::text, 'null'),
        ',"zipCode":',
        coalesce(core.as_json(t1.zip_code)::text, 'null'),
        ',"country":',
        coalesce(core.as_json(t1.country)::text, 'null'),
        ',"taxId":',
        coalesce(core.as_json(t1.tax_id)::text, 'null'),
        ',"website":',
        coalesce(core.as_json(t1.website)::text, 'null'),
        ',"status":"',
        t1.status,
        '","paymentTerms":"',
        t1.payment_terms,
        '","currency":',
        core.as_json(t1.currency),
        ',"metadata":',
        t1.metadata,
        ',"externalRef":',
        coalesce(core.as_json(t1.external_ref)::text, 'null'),
        ',"deletedAt":',
        coalesce(to_json(t1.deleted_at)::text, 'null'),
        ',"createdAt":',
        to_json(t1.created_at),
        ',"updatedAt":',
        to_json(t1.updated_at),
        ',"outstanding":"',
        round(t1.outstanding, 2),
        '","balance":"',
        round(t1.balance, 2),
        '","lifetimeBilled":"',
        round(t1.lifetime_billed, 2),
        '","lifetimePaid":"',
        round(t1.lifetime_paid, 2),
        '","totalPayments":',
        t1.total_payments,
        ',"averagePaymentAmount":',
        coalesce('"' || round(t1.average_payment_amount, 2) || '"', 'null'),
        ',"lastPaymentDate":',
        coalesce('"' || t1.last_payment_date || '"', 'null'),
        ',"avgPaymentDays":',
        coalesce('"' || t1.avg_payment_days || '"', 'null'),
        ',"daysOverdue":',
        (greatest(core.today() - t1.oldest_due_date, 0)),
        ',"health":"',
        (case
            when greatest(core.today() - t1.oldest_due_date, 0) > 60 then 'AT_RISK'
            when greatest(core.today() - t1.oldest_due_date, 0) > 0 then 'WARNING'
            when t1.avg_payment_days <= case t1.payment_terms
                when 'DUE_ON_RECEIPT' then 0 when 'NET_15' then 15 when 'NET_60' then 60
                when 'NET_90' then 90 else 30 end
            then 'EXCELLENT'
            else 'GOOD'
        end),
        '","contacts":[',
        (
          select string_agg(concat(
            '{"id":"',
            t2.id,
            '","name":',
            core.as_json(t2.name),
            ',"email":',
            coalesce(core.as_json(t2.email)::text, 'null'),
            ',"phone":',
            coalesce(core.as_json(t2.phone)::text, 'null'),
            ',"role":',
            coalesce(core.as_json(t2.role)::text, 'null'),
            ',"isPrimary":',
            case t2.is_primary when true then 'true' when false then 'false' else 'null' end,
            ',"createdAt":',
            to_json(t2.created_at),
            ',"updatedAt":',
            to_json(t2.updated_at),
            ',"client":',
            coalesce((
              select concat(
                '{"id":"',
                t3.id,
                '"}'
              )
              from billing.clients t3
              where t3.tenant_id = ($1::uuid) and t3.id = t2.client_id
            ), 'null'),
            '}'
          ), ',')
          from (
            select t2.id, t2.name, t2.email, t2.phone, t2.role, t2.is_primary, t2.created_at, t2.updated_at, t2.client_id
            from billing.client_contacts t2
            where t2.tenant_id = ($1::uuid) and t2.client_id = t1.id
            order by t2.created_at, t2.id
            limit 1000
          ) t2
        ),
        ']}'
      ) as r0
      from (
        select t1.id, t1.name, t1.email, t1.phone, t1.address, t1.city, t1.state, t1.zip_code, t1.country, t1.tax_id, t1.website, t1.status, t1.payment_terms, t1.currency, t1.metadata, t1.external_ref, t1.deleted_at, t1.created_at, t1.updated_at, t1.outstanding, t1.balance, t1.lifetime_billed, t1.lifetime_paid, t1.total_payments, t1.average_payment_amount, t1.last_payment_date, t1.avg_payment_days, t1.oldest_due_date
        from billing.clients t1
        where t1.tenant_id = ($1::uuid) and t1.deleted_at is null
        order by t1.created_at asc, t1.id asc
        limit 20
      ) t1
    ) t1
  ),
  ',"invoices":',
  (
    select concat(
      '{"nodes":[',
      string_agg(r0, ','),
      ']}'
    )
    from (
      select concat(
        '{"id":"',
        t4.id,
        '","number":',
        coalesce(core.as_json(t4.number)::text, 'null'),
        ',"status":"',
        t4.status,
        '","clientId":"',
        t4.client_id,
        '","issueDate":"',
        t4.issue_date,
        '","dueDate":"',
        t4.due_date,
        '","paidDate":',
        coalesce('"' || t4.paid_date || '"', 'null'),
        ',"currency":',
        core.as_json(t4.currency),
        ',"subtotal":"',
        round(t4.subtotal, 2),
        '","discount":"',
        round(t4.discount, 2),
        '","taxRate":"',
        t4.tax_rate,
        '","taxAmount":"',
        round(t4.tax_amount, 2),
        '","total":"',
        round(t4.total, 2),
        '","balance":"',
        round(t4.balance, 2),
        '","isOverdue":',
        case (t4.due_date < core.today() and t4.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and t4.balance_minor > 0) when true then 'true' when false then 'false' else 'null' end,
        ',"billFrom":',
        coalesce(t4.bill_from::text, 'null'),
        ',"billTo":',
        coalesce(t4.bill_to::text, 'null'),
        ',"notes":',
        coalesce(core.as_json(t4.notes)::text, 'null'),
        ',"terms":',
        coalesce(core.as_json(t4.terms)::text, 'null'),
        ',"paymentLink":',
        coalesce(core.as_json(t4.payment_link)::text, 'null'),
        ',"template":',
        core.as_json(t4.template),
        ',"branding":',
        t4.branding,
        ',"metadata":',
        t4.metadata,
        ',"externalRef":',
        coalesce(core.as_json(t4.external_ref)::text, 'null'),
        ',"issuedAt":',
        coalesce(to_json(t4.issued_at)::text, 'null'),
        ',"viewedAt":',
        coalesce(to_json(t4.viewed_at)::text, 'null'),
        ',"voidedAt":',
        coalesce(to_json(t4.voided_at)::text, 'null'),
        ',"voidReason":',
        coalesce(core.as_json(t4.void_reason)::text, 'null'),
        ',"createdAt":',
        to_json(t4.created_at),
        ',"updatedAt":',
        to_json(t4.updated_at),
        ',"series":',
        core.as_json(t4.series),
        ',"paidAmount":"',
        round(t4.paid_amount, 2),
        '","credited":"',
        round(t4.credited, 2),
        '","writtenOff":"',
        round(t4.written_off, 2),
        '","writtenOffAt":',
        coalesce(to_json(t4.written_off_at)::text, 'null'),
        ',"writeOffReason":',
        coalesce(core.as_json(t4.write_off_reason)::text, 'null'),
        ',"disputedAt":',
        coalesce(to_json(t4.disputed_at)::text, 'null'),
        ',"disputeReason":',
        coalesce(core.as_json(t4.dispute_reason)::text, 'null'),
        ',"paymentCount":',
        t4.payment_count,
        ',"partialPaymentCount":',
        t4.partial_payment_count,
        ',"lastPaymentDate":',
        coalesce('"' || t4.last_payment_date || '"', 'null'),
        ',"client":',
        coalesce((
          select concat(
            '{"name":',
            core.as_json(t5.name),
            ',"deletedAt":',
            coalesce(to_json(t5.deleted_at)::text, 'null'),
            '}'
          )
          from billing.clients t5
          where t5.tenant_id = ($1::uuid) and t5.id = t4.client_id
        ), 'null'),
        ',"lines":[',
        (
          select string_agg(concat(
            '{"id":"',
            t6.id,
            '","position":',
            t6.position,
            ',"description":',
            core.as_json(t6.description),
            ',"quantity":"',
            t6.quantity,
            '","unitPrice":"',
            round(t6.unit_price, 2),
            '","discount":"',
            round(t6.discount, 2),
            '","taxRate":"',
            t6.tax_rate,
            '","amount":"',
            round(t6.amount, 2),
            '"}'
          ), ',' order by t6.position)
          from billing.invoice_lines t6
          where t6.tenant_id = ($1::uuid) and t6.invoice_id = t4.id
        ),
        ']}'
      ) as r0
      from (
        select t4.id, t4.number, t4.status, t4.client_id, t4.issue_date, t4.due_date, t4.paid_date, t4.currency, t4.subtotal, t4.discount, t4.tax_rate, t4.tax_amount, t4.total, t4.balance, t4.balance_minor, t4.bill_from, t4.bill_to, t4.notes, t4.terms, t4.payment_link, t4.template, t4.branding, t4.metadata, t4.external_ref, t4.issued_at, t4.viewed_at, t4.voided_at, t4.void_reason, t4.created_at, t4.updated_at, t4.series, t4.paid_amount, t4.credited, t4.written_off, t4.written_off_at, t4.write_off_reason, t4.disputed_at, t4.dispute_reason, t4.payment_count, t4.partial_payment_count, t4.last_payment_date
        from billing.invoices t4
        where t4.tenant_id = ($1::uuid)
        order by t4.created_at desc, t4.id desc
        limit 100
      ) t4
    ) t4
  ),
  '}}'
), 'UTF8')
where core.context() = ($2::text) and core.tenant_id() = ($1::uuid)
