//! What a component's `component.rs` calls: the beginning of an entry point, and standard error.
//!
//! On this target `eprintln!` and the text of a panic are silently lost, so both are written to WASI's standard error.

use std::sync::Once;

use async_trait::async_trait;
use spin_sdk::wit_bindgen;

use crate::http::edge::Log;
use crate::problem::shape;

/// Bindings for standard error alone. Those of the SDK create every stream of bytes in the name of `wasi:cli/stdin`, and a
/// component would import an interface that it never uses.
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        inline: r"
            package chudian:standard-error;

            world standard-error {
                import wasi:cli/stderr@0.3.0;
            }

            package wasi:cli@0.3.0 {
                interface types {
                    enum error-code { io, illegal-byte-sequence, pipe }
                }

                interface stderr {
                    use types.{error-code};
                    write-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>;
                }
            }
        ",
        generate_all,
    });
}

/// Log lines to the component's standard error.
pub struct StandardError;

#[async_trait]
impl Log for StandardError {
    async fn line(&self, line: &str) {
        write_line(line.to_owned()).await;
    }
}

/// Makes panics visible, and names the documents in which its schemas are looked up; call it first in every entry point. Later calls do nothing.
pub fn begin(finished_documents: &'static [&'static str]) {
    install_panic_hook();
    shape::look_up_in(finished_documents);
}

fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let line =
                serde_json::json!({"level": "error", "panic": panic.to_string()}).to_string();
            // A panic ends the instance right after this hook, so the line has to be out before.
            wit_bindgen::block_on(write_line(line));
        }));
    });
}

/// A stream of bytes within this component. It is of the bindings above, so that it imports nothing more.
pub(crate) fn byte_stream() -> (
    wit_bindgen::rt::async_support::StreamWriter<u8>,
    wit_bindgen::rt::async_support::StreamReader<u8>,
) {
    bindings::wit_stream::new()
}

async fn write_line(line: String) {
    let (mut writer, reader) = bindings::wit_stream::new();
    let done = bindings::wasi::cli::stderr::write_via_stream(reader);
    let mut bytes = line.into_bytes();
    bytes.push(b'\n');
    // What the host does not take is lost: there is no other place to report it.
    let _ = writer.write_all(bytes).await;
    drop(writer);
    let _ = done.await;
}
