-- Frozen lists (TF-4). What a list is never changes; `state` and what hangs on it does. Members lie in the key-value store under the
-- list's id; `layout` says which pages there are, with their SHA-256.
create table filter_list (
    list_id text primary key,
    name text not null,
    -- What the list is for: asked of every automated decision (PIPL).
    purpose text not null,
    state text not null,
    -- The region whose customers alone the list holds; null for the whole province.
    region text,
    -- The request with everything that it left open filled in: enough to freeze the list again.
    recipe text not null,
    rule text not null,
    rule_version text not null,
    exclusion_version text not null,
    dataset_version text not null,
    contact_horizon text,
    -- The lookalike run whose points ordered the list, if any.
    model_version text,
    as_of text not null,
    hash text not null,
    members bigint not null,
    -- Where everyone went, JSON.
    account text not null,
    layout text not null,
    frozen_at_unix_ms bigint not null,
    frozen_by text not null,
    submitted_by text,
    decided_by text,
    expires_at_unix_s bigint not null
);

create index filter_list_by_time on filter_list (frozen_at_unix_ms, list_id);

-- Every change of a list's state: who, when, why. Rows are added and never changed.
create table filter_list_event (
    list_id text not null references filter_list (list_id),
    -- From 0; several may fall in one millisecond.
    sequence bigint not null,
    at_unix_ms bigint not null,
    key_id text not null,
    action text not null,
    state_before text not null,
    state_after text not null,
    reason text not null,
    primary key (list_id, sequence)
);

-- Encrypted exports (TF-5). `mark` makes the export's watermark; the keys that open it are nowhere here.
create table filter_list_export (
    export_id text primary key,
    list_id text not null references filter_list (list_id),
    receiver text not null,
    recipients text not null,
    encoding text not null,
    batch bigint,
    rows_exported bigint not null,
    mark bytea not null,
    made_at_unix_ms bigint not null,
    made_by text not null
);

create index filter_list_export_by_list on filter_list_export (list_id, made_at_unix_ms, export_id);

-- How far each queue of a list has been handed out. `touched` is counted up first: that locks the row.
create table filter_list_cursor (
    list_id text not null references filter_list (list_id),
    partition_number bigint not null,
    channel text not null,
    next_index bigint not null,
    touched bigint not null,
    primary key (list_id, partition_number, channel)
);

-- Who was handed which customer; a customer is handed out once.
create table filter_list_claim (
    list_id text not null references filter_list (list_id),
    customer_id text not null,
    key_id text not null,
    at_unix_ms bigint not null,
    primary key (list_id, customer_id)
);

-- Every look at a list's customers (PR-4), also those that `personal_access` records by customer.
create table filter_list_access (
    access_id text primary key,
    list_id text not null references filter_list (list_id),
    at_unix_ms bigint not null,
    key_id text not null,
    action text not null,
    -- Null for a whole export.
    customer_id text,
    request_id text not null
);

create index filter_list_access_by_list on filter_list_access (list_id, at_unix_ms, access_id);
create index filter_list_access_by_key on filter_list_access (list_id, key_id, at_unix_ms);

-- Runs that looked for prospects (TF-6): what was asked, of which data, and what was found.
create table filter_lookalike (
    run_id text primary key,
    purpose text not null,
    region text,
    dataset_version text not null,
    request text not null,
    document text not null,
    made_at_unix_ms bigint not null,
    made_by text not null
);

-- What other functions may read of lists; members stay in the key-value store.
create view pub_filter_list as
    select list_id, name, purpose, state, region, rule_version, dataset_version, hash, members, frozen_at_unix_ms, expires_at_unix_s
    from filter_list;
