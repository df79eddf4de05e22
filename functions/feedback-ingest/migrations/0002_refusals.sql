-- Who wants no offers, from months whose events were forgotten: a refusal outlives the event that told it. Each column is the latest moment
-- of its kind, so that months may be forgotten in any order and twice.
create table feedback_refusal (
    customer_id text not null,
    channel text not null,
    refused_at_unix_ms bigint,
    taken_back_at_unix_ms bigint,
    primary key (customer_id, channel)
);

-- The few events of a month that have to be kept when it is forgotten. Of all others it holds nothing, so that they cost nothing.
create index feedback_event_refusals on feedback_event (recorded_at_unix_ms) where outcome in ('opted-out', 'opted-in');
