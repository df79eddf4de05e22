//! What `bindgen!` makes of the WIT of the Spin interfaces (`wit/deps`). Nothing here is written by hand.

mod generated {
    wasmtime::component::bindgen!({
        inline: "
            package chudian:spin-host;
            world imports {
                import spin:sqlite/sqlite@3.1.0;
                import spin:postgres/postgres@4.2.0;
                import spin:key-value/key-value@3.0.0;
                import spin:variables/variables@3.0.0;
            }
        ",
        path: [
            "../../wit/deps/spin-sqlite@3.1.0",
            "../../wit/deps/spin-postgres@4.2.0",
            "../../wit/deps/spin-key-value@3.0.0",
            "../../wit/deps/spin-variables@3.0.0",
        ],
        imports: { default: async | trappable },
        with: {
            "spin:sqlite/sqlite.connection": crate::sqlite::GuestConnection,
            "spin:postgres/postgres.connection": crate::postgres::GuestConnection,
            "spin:postgres/postgres.connection-builder": crate::postgres::GuestConnectionBuilder,
            "spin:key-value/key-value.store": crate::key_value::GuestStore,
        },
    });
}

pub(crate) use generated::spin::key_value::key_value;
pub(crate) use generated::spin::postgres::postgres;
pub(crate) use generated::spin::sqlite::sqlite;
pub(crate) use generated::spin::variables::variables;
