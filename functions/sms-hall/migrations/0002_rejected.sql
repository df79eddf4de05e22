-- Callbacks, and items of callbacks, that were not taken: each once, with the reason, numbers masked. `discarded_at_unix_ms` is null while nobody has
-- dealt with it.
create table sms_rejected (
    rejected_id text primary key,
    received_at_unix_ms bigint not null,
    gateway_id text not null,
    region text not null,
    -- `inbound` or `delivery`.
    callback text not null,
    reason text not null,
    document text not null,
    is_whole bigint not null,
    is_masked bigint not null,
    discarded_at_unix_ms bigint,
    discarded_by text
);

create index sms_rejected_by_time on sms_rejected (received_at_unix_ms, rejected_id);
