-- Leases of claims: a customer whom nobody speaks to within the lease may be handed to another; one with a result is not handed out again.
-- When the lease ends; 0 for claims from before there were leases.
alter table filter_list_claim add column until_unix_ms bigint not null default 0;
-- How long the lease is whenever it begins anew.
alter table filter_list_claim add column lease_ms bigint not null default 0;
-- Where the customer stands in the list, so that a lapsed claim is found without a walk through the queues; null for claims from before.
alter table filter_list_claim add column partition_number bigint;
alter table filter_list_claim add column channel text;
alter table filter_list_claim add column place bigint;
-- When the result came, and its outcome; without one the claim may lapse.
alter table filter_list_claim add column done_at_unix_ms bigint;
alter table filter_list_claim add column outcome text;

-- Whether the customers of older claims were spoken to is not known here; they were handed out once and for all, and that stays.
update filter_list_claim set done_at_unix_ms = at_unix_ms;

create index filter_list_claim_open on filter_list_claim (list_id, until_unix_ms) where done_at_unix_ms is null;
