-- Every event that was ever accepted, by the hash of its `source` and `id`. Narrow and for ever: the events themselves are forgotten by
-- month, but an event that is sent again years later must still be known. `content` is a hash of what it said.
-- Parted by hash, because at 20 million rows a day (24 bytes of values each, about 100 with headers and the key by calculation) one table
-- would soon be too large to be vacuumed or moved in one piece. Keys are hashes, so a part that does not fit the memory costs one page read for each event.
create table feedback_identity (
    identity_high bigint not null,
    identity_low bigint not null,
    content bigint not null,
    primary key (identity_high, identity_low)
) partition by hash (identity_high);

create table feedback_identity_00 partition of feedback_identity for values with (modulus 16, remainder 0);
create table feedback_identity_01 partition of feedback_identity for values with (modulus 16, remainder 1);
create table feedback_identity_02 partition of feedback_identity for values with (modulus 16, remainder 2);
create table feedback_identity_03 partition of feedback_identity for values with (modulus 16, remainder 3);
create table feedback_identity_04 partition of feedback_identity for values with (modulus 16, remainder 4);
create table feedback_identity_05 partition of feedback_identity for values with (modulus 16, remainder 5);
create table feedback_identity_06 partition of feedback_identity for values with (modulus 16, remainder 6);
create table feedback_identity_07 partition of feedback_identity for values with (modulus 16, remainder 7);
create table feedback_identity_08 partition of feedback_identity for values with (modulus 16, remainder 8);
create table feedback_identity_09 partition of feedback_identity for values with (modulus 16, remainder 9);
create table feedback_identity_10 partition of feedback_identity for values with (modulus 16, remainder 10);
create table feedback_identity_11 partition of feedback_identity for values with (modulus 16, remainder 11);
create table feedback_identity_12 partition of feedback_identity for values with (modulus 16, remainder 12);
create table feedback_identity_13 partition of feedback_identity for values with (modulus 16, remainder 13);
create table feedback_identity_14 partition of feedback_identity for values with (modulus 16, remainder 14);
create table feedback_identity_15 partition of feedback_identity for values with (modulus 16, remainder 15);

-- The event log, in the order in which events came. What a filter or a sum needs has a column; the rest stands in `details` (JSON).
-- It has no key: its rows are unique because the identities are.
-- Parted by the month in China in which events came, not in which they happened: rows are appended to one part, whose indexes stay in
-- memory, a late event opens no old part, and a month is forgotten by dropping its part. The function makes each month's part
-- ahead of time; where it may not, rows fall into the part for all other months, which serves as well and is emptied row by row.
create table feedback_event (
    recorded_at_unix_ms bigint not null,
    identity_high bigint not null,
    identity_low bigint not null,
    customer_id text not null,
    at_unix_ms bigint not null,
    kind text not null,
    channel text not null,
    outcome text not null,
    region text not null,
    campaign text,
    batch text,
    business text,
    duration_s bigint,
    flags bigint not null,
    key_id text not null,
    details text not null
) partition by range (recorded_at_unix_ms);

create table feedback_event_other partition of feedback_event default;

-- The contact view: one customer's time line, newest first.
create index feedback_event_by_customer on feedback_event (customer_id, at_unix_ms);

-- What came since a horizon. Rows lie in this order on the disk, so a summary of each block range does what a tree over
-- every row would do.
create index feedback_event_by_recorded on feedback_event using brin (recorded_at_unix_ms) with (pages_per_range = 32);

-- Daily sums; see functions/feedback-ingest/src/tally.rs. Each instance adds to rows of a stripe of its
-- own, so that instances do not wait for each other's commits. Rows are changed often: room is left in each page for it.
create table feedback_tally (
    day text not null,
    recorded_day text not null,
    channel text not null,
    kind text not null,
    outcome text not null,
    region text not null,
    campaign text not null,
    batch text not null,
    business text not null,
    stripe bigint not null,
    events bigint not null,
    duration_s bigint not null,
    primary key (day, recorded_day, channel, kind, outcome, region, campaign, batch, business, stripe)
) with (fillfactor = 70);

-- Steps of orders: of each step of an order the earliest event; see functions/feedback-ingest/src/order.rs.
create table feedback_order_step (
    customer_id text not null,
    order_id text not null,
    stage text not null,
    at_unix_ms bigint not null,
    identity_high bigint not null,
    identity_low bigint not null,
    channel text not null,
    region text not null,
    business text,
    campaign text,
    way text,
    expires_at_unix_ms bigint,
    cancelled_by text,
    primary key (customer_id, order_id, stage)
);

-- Events that could not be accepted, each once, with telephone numbers masked. `resolution` is null while nobody has dealt with it.
create table feedback_rejected (
    rejected_id text primary key,
    received_at_unix_ms bigint not null,
    key_id text not null,
    region text,
    reason text not null,
    pointer text not null,
    document text not null,
    is_whole bigint not null,
    is_masked bigint not null,
    resolution text,
    resolved_at_unix_ms bigint,
    resolved_by text
);

create index feedback_rejected_by_time on feedback_rejected (received_at_unix_ms, rejected_id);

-- Months whose events were forgotten.
create table feedback_forgotten_month (
    month text primary key,
    forgotten_at_unix_ms bigint not null,
    forgotten_by text not null
);

-- What other functions may read: contacts without what was said and by whom. For what is new since a horizon ask by
-- `recorded_at_unix_ms` and begin a minute before the horizon: a commit shows its events some seconds after their stamp.
create view pub_feedback_event as
    select customer_id, at_unix_ms, recorded_at_unix_ms, kind, channel, outcome, region, campaign, batch, business, duration_s, flags
    from feedback_event;

-- Daily sums, the stripes added up by whoever reads: `sum(events)`.
create view pub_feedback_tally as
    select day, recorded_day, channel, kind, outcome, region, campaign, batch, business, events, duration_s from feedback_tally;

-- One record for each order (FI-5), from all channels.
create view pub_feedback_order as
    select customer_id, order_id,
        max(region) as region,
        max(business) as business,
        max(campaign) as campaign,
        max(case when stage = 'trial' then at_unix_ms end) as trial_at_unix_ms,
        max(case when stage = 'trial' then expires_at_unix_ms end) as trial_expires_at_unix_ms,
        max(case when stage = 'trial' then channel end) as trial_channel,
        max(case when stage = 'order' then at_unix_ms end) as ordered_at_unix_ms,
        max(case when stage = 'order' then expires_at_unix_ms end) as expires_at_unix_ms,
        max(case when stage = 'order' then channel end) as order_channel,
        max(case when stage = 'order' then way end) as way,
        max(case when stage = 'cancellation' then at_unix_ms end) as cancelled_at_unix_ms,
        max(case when stage = 'cancellation' then channel end) as cancellation_channel,
        max(case when stage = 'cancellation' then cancelled_by end) as cancelled_by
    from feedback_order_step group by customer_id, order_id;
