-- Every event that was ever accepted, by the hash of its `source` and `id`. Narrow and for ever: the events themselves are forgotten by
-- month, but an event that is sent again years later must still be known. `content` is a hash of what it said.
create table feedback_identity (
    identity_high bigint not null,
    identity_low bigint not null,
    content bigint not null,
    primary key (identity_high, identity_low)
) without rowid;

-- The event log, in the order in which events came. What a filter or a sum needs has a column; the rest stands in `details` (JSON).
-- It has no key: its rows are unique because the identities are.
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
);

-- The contact view: one customer's time line, newest first.
create index feedback_event_by_customer on feedback_event (customer_id, at_unix_ms);

-- What came since a horizon, and what to forget of a month. Rows come in this order, so it costs an append.
create index feedback_event_by_recorded on feedback_event (recorded_at_unix_ms);

-- Daily sums; see functions/feedback-ingest/src/tally.rs. SQLite has one writer, so every row has stripe 0.
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
) without rowid;

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
) without rowid;

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
