//! The embedded files, and how an address finds one.

/// One file as it was built.
#[derive(Debug)]
pub struct File {
    /// Its path below the root of all routes, without a leading slash: `tariff/index.html`.
    pub path: &'static str,
    /// Value of its `content-type`.
    pub content_type: &'static str,
    /// Names this version of its content; changes when a byte changes.
    pub tag: &'static str,
    /// Its name carries a hash of its content, so the name never means anything else.
    pub hashed_name: bool,
    /// The bytes as they are.
    pub plain: &'static [u8],
    /// The bytes in gzip, which browsers accept everywhere; absent where it gains nothing.
    pub gzip: Option<&'static [u8]>,
    /// The bytes in Brotli, smaller, which browsers accept over TLS only; absent where it gains nothing.
    pub brotli: Option<&'static [u8]>,
}

/// Every file, in the order of its path.
pub static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What stands behind an address.
#[derive(Debug)]
pub enum Found {
    /// This file.
    File(&'static File),
    /// A page that lives one slash further: its relative links work only there. Holds the last segment with that slash.
    Folder(String),
    /// Nothing.
    Nothing,
}

/// Finds what a request path means. A path that ends with `/` is the `index.html` in that folder.
pub fn find(request_path: &str) -> Found {
    let path = request_path.strip_prefix('/').unwrap_or(request_path);
    if path.is_empty() || path.ends_with('/') {
        return by_path(&format!("{path}index.html")).map_or(Found::Nothing, Found::File);
    }
    if let Some(file) = by_path(path) {
        return Found::File(file);
    }
    match by_path(&format!("{path}/index.html")) {
        Some(_) => Found::Folder(format!("{}/", path.rsplit('/').next().unwrap_or(path))),
        None => Found::Nothing,
    }
}

/// The file with exactly this path.
pub fn by_path(path: &str) -> Option<&'static File> {
    let place = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    FILES.get(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_the_search_finds_every_file() {
        assert!(
            FILES
                .iter()
                .all(|file| by_path(file.path).is_some_and(|found| found.path == file.path))
        );
        assert!(
            FILES.len() >= 4,
            "a page, its script, its style and the page for what is missing"
        );
    }

    #[test]
    fn a_page_has_one_address() {
        assert!(matches!(find("/tariff/"), Found::File(file) if file.path == "tariff/index.html"));
        assert!(matches!(find("/tariff"), Found::Folder(to) if to == "tariff/"));
        assert!(matches!(find("/filter/"), Found::File(file) if file.path == "filter/index.html"));
        assert!(matches!(find("/filter"), Found::Folder(to) if to == "filter/"));
        for nothing in [
            "/",
            "",
            "/tariff//",
            "/filter/v1/count",
            "/filter/assets/",
            "/tariff/assets",
            "/tariff/assets/",
            "/tariff/../tariff/",
            "/tariff/index.html.gz",
            "/.built-from",
        ] {
            assert!(matches!(find(nothing), Found::Nothing), "{nothing}");
        }
    }
}
