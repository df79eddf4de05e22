//! `/docs`: pages to read and try the API, all files from this binary, so that they work without any network.
//!
//! Invariant: a fixed set of files, no script from elsewhere and none inside the page.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};
use std::sync::OnceLock;

use bytes::Bytes;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// Folder of the archive's files, below its top folder.
const DISTRIBUTION: &str = "/dist/";
/// Files that the page needs; the rest of the archive is for other ways to use it.
const FILES: [&str; 4] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];
/// Scripts and connections only to where the page came from. Styles inside the page are what the viewer itself makes.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chudian API · 触点接口文档</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
<link rel="icon" type="image/png" href="/docs/favicon-16x16.png" sizes="16x16">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

const START: &str = "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null, persistAuthorization: false });\n";

/// One file of the pages.
#[derive(Clone, Debug)]
pub struct DocumentFile {
    /// For `content-type`.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: Bytes,
}

/// The file at `path`, which begins with `/docs`.
pub fn file(path: &str) -> Option<DocumentFile> {
    let name = path.strip_prefix("/docs")?.trim_start_matches('/');
    match name {
        "" | "index.html" => Some(DocumentFile {
            content_type: "text/html; charset=utf-8",
            bytes: Bytes::from_static(PAGE.as_bytes()),
        }),
        "start.js" => Some(DocumentFile {
            content_type: "text/javascript; charset=utf-8",
            bytes: Bytes::from_static(START.as_bytes()),
        }),
        _ => unpacked().get(name).cloned(),
    }
}

/// The archive's files, unpacked when first asked for.
fn unpacked() -> &'static HashMap<&'static str, DocumentFile> {
    static UNPACKED: OnceLock<HashMap<&'static str, DocumentFile>> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        unpack().unwrap_or_else(|reason| {
            tracing::error!(%reason, "the archive of the API pages cannot be read");
            HashMap::new()
        })
    })
}

fn unpack() -> zip::result::ZipResult<HashMap<&'static str, DocumentFile>> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut files = HashMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry
            .name()?
            .split_once(DISTRIBUTION)
            .map(|(_, name)| name.to_owned())
        else {
            continue;
        };
        let Some(name) = FILES.into_iter().find(|file| *file == name) else {
            continue;
        };
        if files.contains_key(name) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(
            name,
            DocumentFile {
                content_type: content_type(name),
                bytes: Bytes::from(bytes),
            },
        );
    }
    Ok(files)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/png",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: everything that the page names is there, and nothing in it runs from within the page or from elsewhere.
    #[test]
    fn page_is_complete_and_self_contained() {
        for path in PAGE.split('"').filter(|text| text.starts_with("/docs/")) {
            assert!(
                file(path).is_some_and(|file| !file.bytes.is_empty()),
                "{path} is missing"
            );
        }
        assert!(!PAGE.contains("://") && !PAGE.contains("<script>"));
        assert!(file("/docs/../secret").is_none());
    }
}
