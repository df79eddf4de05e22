-- When marketing messages may go, and how many messages a customer gets in a day, as the province has set it; no row: what is built in.
create table sms_sending_rules (
    scope text primary key,
    document text not null,
    set_at_unix_ms bigint not null,
    set_by text not null
);
