-- Batches over the customer dataset: what is priced for whom, fixed when the batch begins, so that every part of it agrees.
create table tariff_batch (
    batch_id text primary key,
    dataset_version text not null,
    catalogue_version text not null,
    row_count bigint not null,
    -- Mapping, day, rules: JSON.
    definition text not null,
    created_at_unix_ms bigint not null,
    created_by text not null
);

-- Parts that are done; their columns are in the key-value store. Written after them, so that a part that stands here is whole.
create table tariff_batch_part (
    batch_id text not null references tariff_batch (batch_id),
    segment bigint not null,
    first_row bigint not null,
    row_count bigint not null,
    plan_months bigint not null,
    skipped bigint not null,
    primary key (batch_id, segment, first_row)
);
