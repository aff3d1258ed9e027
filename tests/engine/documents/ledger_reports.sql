select convert_to(concat(
  '{"data":{"trialBalance":[',
  (
    select string_agg(concat(
      '{"id":"',
      t1.id,
      '","code":',
      core.as_json(t1.code),
      ',"name":',
      core.as_json(t1.name),
      ',"kind":"',
      t1.kind,
      '","currency":',
      core.as_json(t1.currency),
      ',"debit":"',
      round(t1.debit, 2),
      '","credit":"',
      round(t1.credit, 2),
      '","__typename":"TrialBalanceLine"}'
    ), ',' order by t1.line)
    from ledger.trial_balance(($1::text)::date) t1
    where t1.tenant_id = ($2::uuid)
  ),
  '],"now":[',
  (
    select string_agg(concat(
      '{"code":',
      core.as_json(t2.code),
      ',"debit":"',
      round(t2.debit, 2),
      '","credit":"',
      round(t2.credit, 2),
      '"}'
    ), ',' order by t2.line)
    from ledger.trial_balance(core.today()) t2
    where t2.tenant_id = ($2::uuid)
  ),
  '],"ledgerAccount":',
  coalesce((
    select concat(
      '{"code":',
      core.as_json(t3.code),
      ',"balance":"',
      round((ledger.balance(t3.id, ($4::text)::date)), 2),
      '","statement":[',
      (
        select string_agg(concat(
          '{"id":"',
          t4.id,
          '","effectiveDate":"',
          t4.effective_date,
          '","seq":',
          t4.seq,
          ',"kind":',
          core.as_json(t4.kind),
          ',"description":',
          coalesce(core.as_json(t4.description)::text, 'null'),
          ',"amount":"',
          round(t4.amount, 2),
          '","balance":"',
          round(t4.balance, 2),
          '","transferId":"',
          t4.transfer_id,
          '"}'
        ), ',' order by t4.line)
        from ledger.statement(t3.id, ($5::text)::date, ($6::text)::date) t4
        where t4.tenant_id = ($2::uuid)
      ),
      '],"other":[',
      (
        select string_agg(concat(
          '{"amount":"',
          round(t5.amount, 2),
          '"}'
        ), ',' order by t5.line)
        from ledger.statement(t3.id, ($7::text)::date, ($8::text)::date) t5
        where t5.tenant_id = ($2::uuid)
      ),
      ']}'
    )
    from ledger.accounts t3
    where t3.tenant_id = ($2::uuid) and t3.id = ($3::uuid)
  ), 'null'),
  '}}'
), 'UTF8')
where core.context() = ($9::text) and core.tenant_id() = ($2::uuid)
