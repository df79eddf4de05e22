//! Bindings of the four interfaces, made here and not taken from the SDK: the SDK hides the synchronous forms, and serde is
//! wanted on every type, so that scripts and answers are the interface's own records and variants.

mod generated {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        inline: "
            package chudian:ports;
            world ports {
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
        additional_derives: [serde::Serialize, serde::Deserialize],
        generate_all,
    });
}

pub(crate) use generated::spin::key_value::key_value;
pub(crate) use generated::spin::postgres::postgres;
pub(crate) use generated::spin::sqlite::sqlite;
pub(crate) use generated::spin::variables::variables;
