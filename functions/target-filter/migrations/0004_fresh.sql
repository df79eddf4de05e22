-- What had happened between the contact columns of a list's dataset and its freezing. A list without a row was frozen where no events were kept.
create table filter_list_fresh (
    list_id text primary key references filter_list (list_id),
    -- Events that came from this moment on were looked at, up to the other.
    from_unix_ms bigint not null,
    until_unix_ms bigint not null
);

-- Whom these events left out, and by which rule: with this the list comes out the same, whatever becomes of the events.
create table filter_list_fresh_customer (
    list_id text not null references filter_list (list_id),
    customer_id text not null,
    rule text not null,
    primary key (list_id, customer_id)
);
