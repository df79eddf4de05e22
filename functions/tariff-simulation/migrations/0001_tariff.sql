-- Catalogue versions: the bytes as they were imported. Rows are added and never changed or deleted, so that a bill can be proved
-- again from the version that it names.
create table tariff_catalogue (
    version text primary key,
    -- Order of import; several may fall in one millisecond.
    sequence bigint not null,
    sha256 text not null,
    catalogue_id text not null,
    name_zh text not null,
    name_en text not null,
    plan_count bigint not null,
    add_on_count bigint not null,
    warnings text not null,
    imported_at_unix_ms bigint not null,
    imported_by text not null,
    document bytea not null
);

create index tariff_catalogue_by_sequence on tariff_catalogue (sequence, version);

-- Which version is in force from which day on; the latest day that has come counts.
create table tariff_activation (
    from_date text primary key,
    version text not null references tariff_catalogue (version),
    set_at_unix_ms bigint not null,
    set_by text not null
);

-- One customer: the document holds profile, family and the usage of each month.
create table tariff_customer (
    customer_id text primary key,
    region text not null,
    document text not null,
    updated_at_unix_ms bigint not null,
    updated_by text not null
);

-- The rule by which a region ranks plans; `default` serves regions without one.
create table tariff_rule (
    region text primary key,
    document text not null,
    set_at_unix_ms bigint not null,
    set_by text not null
);

-- Offers for channels to show.
create table tariff_offer (
    offer_id text primary key,
    customer_id text not null,
    region text not null,
    channel text not null,
    plan_id text not null,
    catalogue_version text not null,
    document text not null,
    created_at_unix_ms bigint not null
);

create index tariff_offer_by_channel on tariff_offer (channel, created_at_unix_ms, offer_id);
create index tariff_offer_by_customer on tariff_offer (customer_id, created_at_unix_ms, offer_id);

-- What other functions may read of the offers.
create view pub_tariff_simulation_offer as
    select offer_id, customer_id, region, channel, plan_id, catalogue_version, document, created_at_unix_ms from tariff_offer;
