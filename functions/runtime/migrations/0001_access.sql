-- Keys: who may call. The key itself is stored nowhere; see functions/vocabulary/src/access.rs for its hash.
create table access_key (
    key_id text primary key,
    role text not null,
    region text,
    label text not null,
    key_hash text not null,
    created_at_unix_s bigint not null,
    expires_at_unix_s bigint,
    revoked_at_unix_s bigint
);

-- Random secrets of this installation, each made by the first component that needs it (for example to sign page tokens).
create table installation_secret (
    name text primary key,
    secret text not null
);

-- One row for each Idempotency-Key, kept for a day. `status` is null while the first request is still at work.
create table idempotency_key (
    owner text not null,
    idempotency_key text not null,
    fingerprint text not null,
    claim text not null,
    claimed_at_unix_s bigint not null,
    status bigint,
    location text,
    body text,
    primary key (owner, idempotency_key)
);

create index idempotency_key_by_age on idempotency_key (claimed_at_unix_s);

-- Who looked at which customer's data, when and through which call (PR-4).
create table personal_access (
    id text primary key,
    at_unix_ms bigint not null,
    key_id text not null,
    customer_id text not null,
    action text not null,
    request_id text not null
);

create index personal_access_by_customer on personal_access (customer_id, at_unix_ms);
