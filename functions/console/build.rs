//! Embeds the built pages: writes a table of every file under `infra/console/dist`, sorted by path, which `files.rs` includes.
//!
//! A file `x` may have `x.gz` and `x.br` beside it; they are forms of `x`, not files of their own. Names that begin with a
//! dot are the build's own notes and are left out.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

/// Where the pages are built, from this crate's folder.
const PAGES: &str = "../../infra/console/dist";

/// The pages that must be there; a build without one of them is an old one.
const PAGE_FILES: [&str; 2] = ["tariff/index.html", "filter/index.html"];

/// Bytes of the SHA-256 that name a version of a file: 128 bits, so that two versions never share a name by chance.
const TAG_BYTES: usize = 16;

fn main() -> Result<()> {
    let pages = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(PAGES);
    println!("cargo::rerun-if-changed={}", pages.display());
    ensure!(
        PAGE_FILES.iter().all(|page| pages.join(page).is_file()),
        "the pages are not built: run `cargo xtask build console`, or `npm ci && npm run build` in infra/console"
    );
    let mut paths = Vec::new();
    collect(&pages, &mut paths)?;
    paths.sort();

    let mut table = String::from("&[\n");
    for path in paths {
        write_row(&mut table, &pages, &path)?;
    }
    table.push_str("]\n");
    let target = Path::new(&env::var("OUT_DIR")?).join("files.rs");
    fs::write(&target, table).with_context(|| format!("cannot write {}", target.display()))
}

/// Every file that is served under its own name.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') || name.ends_with(".gz") || name.ends_with(".br") {
            continue;
        }
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn write_row(table: &mut String, pages: &Path, path: &Path) -> Result<()> {
    let name = path
        .strip_prefix(pages)?
        .to_string_lossy()
        .replace('\\', "/");
    let content_type =
        content_type(&name).with_context(|| format!("no content type is known for {name}"))?;
    let digest = Sha256::digest(fs::read(path)?);
    let tag = digest[..TAG_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    // Vite puts what it names by content into `assets/`; every other name stays while its content changes.
    let hashed_name = name.contains("/assets/");
    writeln!(
        table,
        "File {{ path: {name:?}, content_type: {content_type:?}, tag: {tag:?}, hashed_name: {hashed_name}, plain: include_bytes!({path:?}), gzip: {}, brotli: {} }},",
        form(path, "gz"),
        form(path, "br"),
    )?;
    Ok(())
}

/// The source text of a compressed form beside a file.
fn form(path: &Path, ending: &str) -> String {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    let compressed = PathBuf::from(name);
    if compressed.is_file() {
        format!("Some(include_bytes!({compressed:?}))")
    } else {
        "None".to_owned()
    }
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => return None,
    })
}
