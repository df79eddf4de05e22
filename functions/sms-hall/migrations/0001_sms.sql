-- Tables of the SMS hall. Numbers stand in one of them alone, sealed, for as long as a message needs them.

-- A provider's account and the path by which it calls back. The path itself is stored nowhere, only its hash; `secrets` is sealed.
create table sms_gateway (
    gateway_id text primary key,
    name text not null,
    provider text not null,
    region text not null,
    language text not null,
    path_hash text not null unique,
    -- JSON array of address ranges.
    addresses text not null,
    endpoint text not null,
    -- JSON: what the provider calls the sender.
    sender text not null,
    secrets bytea not null,
    created_at_unix_ms bigint not null,
    created_by text not null,
    changed_at_unix_ms bigint not null
);

-- The words of the province; no row: the built-in ones.
create table sms_commands (
    scope text primary key,
    document text not null,
    set_at_unix_ms bigint not null,
    set_by text not null
);

-- What customers wrote. `identity` is a keyed hash of what the provider says the message is, `content` one of what it says; the text is
-- kept masked and cut, as proof. `effect` is 1 when it changed the customer's consent.
create table sms_inbound (
    inbound_id text primary key,
    gateway_id text not null,
    identity text not null,
    content text not null,
    customer_id text,
    region text not null,
    text text not null,
    command text not null,
    offer_number bigint,
    effect bigint not null,
    said_at_unix_ms bigint not null,
    received_at_unix_ms bigint not null,
    state text not null,
    lease_until_unix_ms bigint not null,
    unique (gateway_id, identity)
);

create index sms_inbound_waiting on sms_inbound (lease_until_unix_ms) where state = 'pending';

-- The only table with numbers: sealed, one row while a message waits or is under way.
create table sms_number (
    owner_id text primary key,
    sealed bytea not null,
    expires_at_unix_ms bigint not null
);

create index sms_number_by_expiry on sms_number (expires_at_unix_ms);

-- What is sent. The text is kept masked; the text that goes out is sealed with the number.
create table sms_message (
    message_id text primary key,
    gateway_id text not null,
    customer_id text not null,
    region text not null,
    class text not null,
    -- The message that it answers.
    inbound_id text unique,
    text text not null,
    campaign text,
    batch text,
    business text,
    state text not null,
    attempts bigint not null,
    next_at_unix_ms bigint not null,
    lease_until_unix_ms bigint not null,
    expires_at_unix_ms bigint not null,
    provider_message_id text,
    code text,
    created_at_unix_ms bigint not null,
    created_by text not null,
    changed_at_unix_ms bigint not null
);

-- What is due, and what has been under way for too long: a handful of rows however many messages there were.
create index sms_message_due on sms_message (next_at_unix_ms) where state = 'queued';
create index sms_message_under_way on sms_message (lease_until_unix_ms) where state = 'sending';
create index sms_message_by_provider on sms_message (gateway_id, provider_message_id) where provider_message_id is not null;
create index sms_message_by_customer on sms_message (customer_id, created_at_unix_ms, message_id);
create index sms_message_by_time on sms_message (created_at_unix_ms, message_id);

-- Written before each hand-over; `outcome` is null until it is known, and for ever when the attempt was lost.
create table sms_attempt (
    message_id text not null references sms_message (message_id),
    attempt bigint not null,
    begun_at_unix_ms bigint not null,
    ended_at_unix_ms bigint,
    outcome text,
    code text,
    primary key (message_id, attempt)
);

-- What providers say became of a message, once each.
create table sms_receipt (
    gateway_id text not null,
    identity text not null,
    provider_message_id text,
    message_id text,
    customer_id text not null,
    is_delivered bigint not null,
    code text,
    at_unix_ms bigint not null,
    received_at_unix_ms bigint not null,
    primary key (gateway_id, identity)
);

create index sms_receipt_by_provider on sms_receipt (gateway_id, provider_message_id);

-- Whether a customer wants offers. A row that says 0 with no proof was made to be locked: nothing was refused.
create table sms_consent (
    customer_id text primary key,
    region text not null,
    is_opted_out bigint not null,
    said_at_unix_ms bigint not null,
    inbound_id text
);

-- Every change of it: which message, when, through which gateway, in which words.
create table sms_consent_proof (
    inbound_id text primary key,
    customer_id text not null,
    region text not null,
    is_opted_out bigint not null,
    said_at_unix_ms bigint not null,
    received_at_unix_ms bigint not null,
    gateway_id text not null,
    words text not null
);

create index sms_consent_proof_by_customer on sms_consent_proof (customer_id, received_at_unix_ms);

-- The last offers that a customer was made by message, by the number with which they are accepted.
create table sms_offer (
    customer_id text not null,
    offer_number bigint not null,
    offer_id text not null,
    plan_id text not null,
    name_zh text not null,
    name_en text not null,
    monthly_fee_fen bigint not null,
    monthly_saving_fen bigint,
    made_at_unix_ms bigint not null,
    accepted_at_unix_ms bigint,
    primary key (customer_id, offer_number)
);

-- When a customer was last told what can be written, without having asked for it.
create table sms_help (
    customer_id text primary key,
    told_at_unix_ms bigint not null
);

-- Events that wait to be reported to the contact log, and those that it rejected.
create table sms_event (
    event_id text primary key,
    document text not null,
    state text not null,
    next_at_unix_ms bigint not null,
    created_at_unix_ms bigint not null
);

create index sms_event_waiting on sms_event (next_at_unix_ms) where state = 'pending';

create view pub_sms_consent as
    select customer_id, region, is_opted_out, said_at_unix_ms, inbound_id from sms_consent where inbound_id is not null;
