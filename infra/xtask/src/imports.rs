//! Reads from a built component which interfaces it imports and exports.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};

/// The names at the outermost level of a component, sorted.
pub(crate) struct Faces {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    pub(crate) bytes: usize,
}

/// Parses one `.wasm` file.
pub(crate) fn read(path: &Path) -> Result<Faces> {
    let bytes = fs::read(path).with_context(|| {
        format!(
            "cannot read {}; run `cargo xtask build` first",
            path.display()
        )
    })?;
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.with_context(|| format!("{} is no component", path.display()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    imports.sort();
    exports.sort();
    Ok(Faces {
        imports,
        exports,
        bytes: bytes.len(),
    })
}
