//! The columnar customer dataset: schema, segments, statistics, row pages and expressions over columns.
