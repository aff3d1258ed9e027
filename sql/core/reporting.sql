-- What analysts find: a view for each noun and each report of the API, under its name, with what the API shows of it and
-- nothing that is only of use inside. The views are written from the declarations, into sql/reporting/views.sql.

reset role;
create schema reporting authorization countinghouse_owner;
comment on schema reporting is 'For analysts: the figures that GraphQL shows, as views. What stands here keeps its name.';
grant usage on schema reporting to countinghouse_analyst;
set local role countinghouse_owner;
-- NOTE: nothing for tenants, who ask by GraphQL. The views read with the rights of whoever asks.

create function reporting.today() returns date
language sql stable
return core.today();
comment on function reporting.today() is 'The day it is in the organisation''s time zone.';

create function reporting.fiscal_year(day date) returns integer
language sql stable
return core.fiscal_year(day, (select fiscal_year_start from iam.organisation()));
comment on function reporting.fiscal_year(date) is
    'The organisation''s fiscal year in which a day lies, named by the calendar year in which it ends.';

grant execute on function reporting.today(), reporting.fiscal_year(date) to countinghouse_analyst;
