//! One route pattern: parsing, order and matching, with the meaning of the matcher that Spin uses (routefinder 0.5).
//!
//! That matcher has corners which users meet (slashes at either end do not count, `.` ends a parameter when the pattern
//! has one after it, a literal before a `.` may only be a prefix); they are kept on purpose, because a manifest must
//! route the same here as there. A property test compares the two on random patterns and paths.

use std::cmp::Ordering;

use crate::finding::{Message, message};

/// A route pattern ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Slash,
    Dot,
    Literal(String),
    Parameter(String),
    Wildcard,
}

/// What a path gave to a pattern's parameters and wildcard.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures<'path> {
    /// Values in the order of the pattern's parameters.
    pub(crate) parameters: Vec<&'path str>,
    /// What a trailing wildcard took, without its leading slash.
    pub(crate) wildcard: Option<&'path str>,
}

impl Pattern {
    /// Parses a route as the manifest writes it, already absolute: `/exact`, `/with/:name`, `/prefix/...`.
    pub(crate) fn parse(route: &str) -> Result<Self, Message> {
        let (body, trailing_wildcard) = match route.strip_suffix("/...") {
            Some(prefix) => (prefix, true),
            None => (route, false),
        };
        if !route.is_ascii() || route.contains(['?', '#', ' ']) {
            return Err(message!(
                "route `{route}` has a character that no request path can hold; write it percent-encoded",
                "路由 `{route}` 含有请求路径中不可能出现的字符，请写成百分号编码"
            ));
        }
        let mut segments = parse_segments(body, route)?;
        if trailing_wildcard {
            if !segments.is_empty() {
                segments.push(Segment::Slash);
            }
            segments.push(Segment::Wildcard);
        }
        let wildcards = segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Wildcard))
            .count();
        if wildcards > 1 || (wildcards == 1 && !matches!(segments.last(), Some(Segment::Wildcard)))
        {
            return Err(message!(
                "route `{route}`: a wildcard may only stand at the end",
                "路由 `{route}`：通配符只能放在末尾"
            ));
        }
        Ok(Self { segments })
    }

    /// Names of the parameters, in order.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Which of two patterns is tried first: `Less` is tried first. Literals before parameters before wildcards, at the
    /// first place where two patterns differ; then fewer dots last, then more segments last. `Equal` keeps the order in
    /// which the patterns were given.
    pub(crate) fn precedence(&self, other: &Self) -> Ordering {
        self.segments
            .iter()
            .zip(&other.segments)
            .map(|(mine, theirs)| mine.weight_against(theirs))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| {
                self.dot_count()
                    .cmp(&other.dot_count())
                    .then(other.segments.len().cmp(&self.segments.len()))
            })
            .reverse()
    }

    /// The captures when `path` (without its query) matches.
    pub(crate) fn matches<'path>(&self, path: &'path str) -> Option<Captures<'path>> {
        let mut rest = path.trim_start_matches('/').trim_end_matches('/');
        let mut captures = Captures::default();
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1);
            rest = match segment {
                Segment::Literal(literal) => rest.strip_prefix(literal.as_str())?,
                Segment::Dot => rest.strip_prefix('.')?,
                Segment::Slash => match (rest.is_empty(), next) {
                    (true, Some(Segment::Wildcard) | None) => rest,
                    (false, Some(_)) => rest.strip_prefix('/')?,
                    _ => return None,
                },
                Segment::Parameter(_) => {
                    let (value, after) = rest.split_at(parameter_length(rest, next)?);
                    captures.parameters.push(value);
                    after
                }
                Segment::Wildcard => {
                    captures.wildcard = Some(rest);
                    ""
                }
            };
        }
        matches!(rest, "" | "/").then_some(captures)
    }

    fn dot_count(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Dot))
            .count()
    }
}

impl Segment {
    /// `Greater` means that the pattern asked is tried before `other`. Two of a kind are equal whatever they hold. A dot
    /// and another kind each claim to be greater, so there the pattern given later wins: a corner of the original.
    fn weight_against(&self, other: &Self) -> Ordering {
        fn rank(segment: &Segment) -> u8 {
            match segment {
                Segment::Slash | Segment::Dot => 0,
                Segment::Wildcard => 1,
                Segment::Parameter(_) => 2,
                Segment::Literal(_) => 3,
            }
        }
        match (self, other) {
            (Self::Dot | Self::Slash, Self::Dot | Self::Slash) => Ordering::Equal,
            (Self::Dot, _) | (_, Self::Dot) => Ordering::Greater,
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

/// How many bytes of `rest` a parameter takes: up to the next slash, or up to a dot when the pattern goes on with one.
fn parameter_length(rest: &str, next: Option<&Segment>) -> Option<usize> {
    if rest.is_empty() {
        return None;
    }
    match next {
        Some(Segment::Dot) => {
            let end = rest.find(['.', '/'])?;
            rest[end..].starts_with('.').then_some(end)
        }
        _ => Some(rest.find('/').unwrap_or(rest.len())),
    }
}

fn parse_segments(body: &str, route: &str) -> Result<Vec<Segment>, Message> {
    let trimmed = body.trim_start_matches('/').trim_end_matches('/');
    let mut segments: Vec<Segment> = Vec::new();
    let mut separator = None;
    for piece in trimmed
        .split_inclusive(['.', '/'])
        .chain(ends_with_separator(trimmed).then_some(""))
    {
        let text = piece.strip_suffix(['.', '/']).unwrap_or(piece);
        let segment = match text.as_bytes() {
            [] => None,
            b"*" => Some(Segment::Wildcard),
            [b'*', ..] => {
                return Err(message!(
                    "route `{route}`: a wildcard has no name",
                    "路由 `{route}`：通配符不能有名字"
                ));
            }
            [b':'] => {
                return Err(message!(
                    "route `{route}`: a parameter needs a name",
                    "路由 `{route}`：参数必须有名字"
                ));
            }
            [b':', ..] => Some(Segment::Parameter(text[1..].to_owned())),
            _ => Some(Segment::Literal(text.to_owned())),
        };
        if separator == Some('.') {
            match segments.last_mut() {
                Some(Segment::Literal(literal)) => literal.push('.'),
                _ => segments.push(Segment::Dot),
            }
        }
        if let Some(segment) = segment {
            if separator == Some('/') {
                segments.push(Segment::Slash);
            }
            segments.push(segment);
        }
        separator = piece
            .chars()
            .last()
            .filter(|last| matches!(last, '.' | '/'));
    }
    Ok(segments)
}

/// `split_inclusive` drops the empty piece behind a last separator; a trailing dot needs it.
fn ends_with_separator(text: &str) -> bool {
    text.ends_with(['.', '/'])
}
