-- Saved groups: a named expression, version by version. Versions are added and never changed, so that what referred to one can be
-- evaluated again; `retired` ends a name with one more version.
create table filter_group (
    name text not null,
    version bigint not null,
    -- The region whose keys see and change it; null for the whole province.
    region text,
    title_zh text not null,
    title_en text not null,
    -- The expression in its JSON form.
    document text not null,
    retired bigint not null,
    created_at_unix_ms bigint not null,
    created_by text not null,
    primary key (name, version)
);

-- Exclusion sets: which customers a campaign leaves out, and for how long after what. Versions are added and never changed.
create table filter_exclusion_set (
    name text not null,
    version bigint not null,
    region text,
    document text not null,
    created_at_unix_ms bigint not null,
    created_by text not null,
    primary key (name, version)
);
