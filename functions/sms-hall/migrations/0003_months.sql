-- Months whose messages were forgotten.
create table sms_forgotten_month (
    month text primary key,
    forgotten_at_unix_ms bigint not null,
    forgotten_by text not null
);

-- What came in a month, to be counted and forgotten; messages that went out have such an index.
create index sms_inbound_by_time on sms_inbound (received_at_unix_ms);
create index sms_receipt_by_time on sms_receipt (received_at_unix_ms);
