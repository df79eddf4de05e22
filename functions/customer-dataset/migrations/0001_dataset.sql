-- Snapshots and layers of the customer dataset, from the first part that arrives to the removal of their values. The values are in the
-- key-value store; what is current is decided here, in one transaction.
create table dataset_upload (
    -- `ds_…` for a snapshot, `ly_…` for a layer over one.
    id text primary key,
    -- The snapshot itself, or the one under the layer.
    snapshot_id text not null,
    is_layer bigint not null,
    -- importing, published, retired (values are being removed), removed.
    state text not null,
    columns text not null,
    source text not null,
    row_count bigint,
    -- Which customer stands where, as one number; see `place_mark` of the dataset crate.
    places bigint,
    -- Grows with every change of a part, so that a publication notices what happened while it looked.
    revision bigint not null,
    created_at_unix_s bigint not null,
    created_by text not null,
    touched_at_unix_s bigint not null,
    published_at_unix_s bigint,
    published_by text,
    publish_sequence bigint
);

create index dataset_upload_by_snapshot on dataset_upload (snapshot_id, is_layer, publish_sequence);
create index dataset_upload_by_time on dataset_upload (created_at_unix_s, id);

-- What has arrived of an upload: columns of segments, and groups of row pages. A part without `completed` is being written, by a request
-- that carries these bytes; when that request died, another with the same bytes may finish it, one with other bytes after a while.
create table dataset_part (
    upload_id text not null references dataset_upload (id),
    -- `s<segment>/<column>` or `p<first page>`.
    part text not null,
    column_name text,
    -- Number of the segment, or of the first page.
    place bigint not null,
    sha256 text not null,
    byte_count bigint not null,
    row_count bigint not null,
    places bigint not null,
    summary text,
    claimed_at_unix_s bigint not null,
    completed bigint not null,
    primary key (upload_id, part)
);

create index dataset_part_by_column on dataset_part (upload_id, column_name, place);

-- One row: the version in force, null before the first publication. Publications change it first, so that they wait for one another.
create table dataset_current (
    singleton bigint primary key,
    publish_sequence bigint not null,
    version text,
    snapshot_id text,
    changed_at_unix_s bigint,
    changed_by text
);

insert into dataset_current (singleton, publish_sequence) values (1, 0);

-- What other functions may read.
create view pub_dataset_current as
    select version, snapshot_id, changed_at_unix_s from dataset_current where version is not null;

create view pub_dataset_snapshot as
    select id as snapshot_id, state, columns, row_count, created_at_unix_s, published_at_unix_s, published_by
    from dataset_upload where is_layer = 0 and state in ('published', 'retired');

create view pub_dataset_layer as
    select id as layer_id, snapshot_id, state, columns, publish_sequence, published_at_unix_s, published_by
    from dataset_upload where is_layer = 1 and state in ('published', 'retired');
