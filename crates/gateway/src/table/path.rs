//! Paths as segments, so that two routes can be compared.

use super::Fault;

/// The paths of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    segments: Vec<Segment>,
    /// Whether everything below belongs to the route.
    prefix: bool,
}

/// A part of a path between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This text.
    Literal(String),
    /// Any text without a slash.
    Parameter,
}

/// How two paths with a request in common relate.
pub(super) enum Overlap {
    /// No request matches both.
    None,
    /// The same requests match both.
    Same,
    /// One is more specific, so that an order decides.
    Ordered,
    /// Neither is.
    Ambiguous,
}

impl Path {
    /// An exact path or a template with `{name}` segments.
    pub(super) fn template(text: &str) -> Result<Self, Fault> {
        if text.ends_with('/') {
            return Err(Fault::Path("it ends with a slash"));
        }
        Ok(Self { text: text.to_owned(), segments: segments(text)?, prefix: false })
    }

    /// Everything below a literal path that ends with a slash.
    pub(super) fn prefix(text: &str) -> Result<Self, Fault> {
        let front = text.strip_suffix('/').ok_or(Fault::Path("a prefix ends with a slash"))?;
        let segments = segments(front)?;
        if segments.contains(&Segment::Parameter) {
            return Err(Fault::Path("a prefix has no templates"));
        }
        Ok(Self { text: text.to_owned(), segments, prefix: true })
    }

    /// As it stands in the table.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is one path and no other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.prefix && !self.segments.contains(&Segment::Parameter)
    }

    /// Whether everything below it belongs to the route.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// A regular expression (RE2 and PCRE agree on it) for exactly its paths, without anchors.
    #[must_use]
    pub fn regex(&self) -> String {
        let mut regex = String::new();
        for segment in &self.segments {
            regex.push('/');
            match segment {
                Segment::Literal(text) => regex.push_str(&text.replace('.', r"\.")),
                Segment::Parameter => regex.push_str("[^/]+"),
            }
        }
        if self.prefix {
            regex.push_str("/.*");
        }
        regex
    }

    /// Whether a path, normalised and without its query, is one of these.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut given = rest.split('/');
        for segment in &self.segments {
            let Some(given) = given.next() else { return false };
            match segment {
                Segment::Literal(text) if text != given => return false,
                Segment::Parameter if given.is_empty() => return false,
                _ => {}
            }
        }
        // A prefix needs the slash behind it, which is a further segment, maybe an empty one.
        given.next().is_some() == self.prefix
    }

    /// Sorts the paths that must be tried first to the front.
    pub(super) fn precedence(&self) -> impl Ord + use<> {
        let kinds: Vec<bool> = self.segments.iter().map(|segment| *segment == Segment::Parameter).collect();
        (self.prefix, std::cmp::Reverse(self.segments.len()), kinds)
    }

    pub(super) fn overlap(&self, other: &Self) -> Overlap {
        match (self.prefix, other.prefix) {
            (false, false) if self.segments.len() != other.segments.len() => return Overlap::None,
            // Prefixes are literal and tried last, the longer first.
            (true, true) if self.segments == other.segments => return Overlap::Same,
            (false, false) => {}
            _ => return Overlap::Ordered,
        }
        let (mut narrower, mut wider) = (false, false);
        for pair in self.segments.iter().zip(&other.segments) {
            match pair {
                (Segment::Literal(a), Segment::Literal(b)) if a != b => return Overlap::None,
                (Segment::Literal(_), Segment::Parameter) => narrower = true,
                (Segment::Parameter, Segment::Literal(_)) => wider = true,
                _ => {}
            }
        }
        match (narrower, wider) {
            (false, false) => Overlap::Same,
            (true, true) => Overlap::Ambiguous,
            _ => Overlap::Ordered,
        }
    }
}

fn segments(text: &str) -> Result<Vec<Segment>, Fault> {
    let rest = text.strip_prefix('/').ok_or(Fault::Path("it does not begin with a slash"))?;
    rest.split('/').map(segment).collect()
}

/// The characters are few on purpose: each spells itself in a URL, in RE2, in PCRE and in YAML.
fn segment(text: &str) -> Result<Segment, Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if let Some(name) = text.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        return named.then_some(Segment::Parameter).ok_or(Fault::Path("a template is {a-z_}"));
    }
    if text.is_empty() || !text.bytes().all(plain) || text.bytes().all(|byte| byte == b'.') {
        return Err(Fault::Path("a segment is 1 or more of A-Z a-z 0-9 - _ . and not of dots only"));
    }
    Ok(Segment::Literal(text.to_owned()))
}
