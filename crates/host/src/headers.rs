//! Header lists: lower-cased names, values as bytes, every line counted.
//!
//! WasmX keeps the client's spelling of names where Envoy lower-cases them, and lists at most 100
//! headers. The SDK's `String` getters panic on a value that is not UTF-8, which in a filter means one
//! such request takes the instance down; so there are none here.

/// WasmX lists no more than this many headers; a longer list may hide the line that matters.
pub const MAX_LISTED: usize = 100;

/// The headers of one message in their order, pseudo headers (`:path`) included.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Takes over pairs of names and values, lower-casing the names.
    #[must_use]
    pub fn from_pairs(mut pairs: Vec<(String, Vec<u8>)>) -> Self {
        for (name, _) in &mut pairs {
            name.make_ascii_lowercase();
        }
        Self(pairs)
    }

    /// Every line with this (lower-case) name.
    pub fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_slice())
    }

    /// The only line with this name: `None` when there is none or more than one.
    #[must_use]
    pub fn single(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.0.iter().filter(|(given, _)| given == name);
        match (lines.next(), lines.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// The first line with this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_slice())
    }

    /// All names in order, repeated as often as they occur.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the host may have left lines out.
    #[must_use]
    pub fn may_be_truncated(&self) -> bool {
        self.0.len() >= MAX_LISTED
    }
}

#[cfg(target_arch = "wasm32")]
mod host {
    use proxy_wasm::hostcalls;
    use proxy_wasm::types::{MapType, Status};

    use super::Headers;

    impl Headers {
        /// The request's headers.
        #[must_use]
        pub fn of_request() -> Self {
            list(MapType::HttpRequestHeaders)
        }

        /// The response's headers.
        #[must_use]
        pub fn of_response() -> Self {
            list(MapType::HttpResponseHeaders)
        }

        /// The headers of the answer to a background call.
        #[must_use]
        pub fn of_call() -> Self {
            list(MapType::HttpCallResponseHeaders)
        }
    }

    fn list(map: MapType) -> Headers {
        Headers::from_pairs(hostcalls::get_map_bytes(map).unwrap_or_default())
    }

    /// The first line with this name in the request, without listing the others: for pseudo headers,
    /// which stand there once.
    #[must_use]
    pub fn request_value(name: &str) -> Option<Vec<u8>> {
        hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, name).ok().flatten()
    }

    /// The first line with this name in the response: for `:status`.
    #[must_use]
    pub fn response_value(name: &str) -> Option<Vec<u8>> {
        hostcalls::get_map_value_bytes(MapType::HttpResponseHeaders, name).ok().flatten()
    }

    /// Makes this the only line of its name in the request.
    ///
    /// # Errors
    /// The host's status.
    pub fn set_request(name: &str, value: &[u8]) -> Result<(), Status> {
        hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value))
    }

    /// Removes every line of this name from the request. Never call it with a pseudo header.
    ///
    /// # Errors
    /// The host's status.
    pub fn remove_request(name: &str) -> Result<(), Status> {
        hostcalls::remove_map_value(MapType::HttpRequestHeaders, name)
    }

    /// Makes this the only line of its name in the response.
    ///
    /// # Errors
    /// The host's status.
    pub fn set_response(name: &str, value: &[u8]) -> Result<(), Status> {
        hostcalls::set_map_value_bytes(MapType::HttpResponseHeaders, name, Some(value))
    }

    /// Removes every line of this name from the response.
    ///
    /// # Errors
    /// The host's status.
    pub fn remove_response(name: &str) -> Result<(), Status> {
        hostcalls::remove_map_value(MapType::HttpResponseHeaders, name)
    }
}

#[cfg(target_arch = "wasm32")]
pub use host::{remove_request, remove_response, request_value, response_value, set_request, set_response};

#[cfg(test)]
mod tests {
    use super::{Headers, MAX_LISTED};

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::from_pairs(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn names_are_found_whatever_their_spelling() {
        let list = headers(&[("Authorization", "a"), ("AUTHORIZATION", "b"), ("Host", "h")]);
        assert_eq!(list.lines("authorization").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(list.first("authorization"), Some(&b"a"[..]));
        assert_eq!(list.names().collect::<Vec<_>>(), ["authorization", "authorization", "host"]);
    }

    #[test]
    fn a_repeated_header_is_not_single() {
        let list = headers(&[("x", "1"), ("X", "2"), ("y", "3")]);
        assert_eq!(list.single("x"), None);
        assert_eq!(list.single("y"), Some(&b"3"[..]));
        assert_eq!(list.single("z"), None);
    }

    #[test]
    fn a_full_list_may_hide_lines() {
        let pairs: Vec<_> = (0..MAX_LISTED).map(|n| (format!("x-{n}"), Vec::new())).collect();
        assert!(Headers::from_pairs(pairs.clone()).may_be_truncated());
        assert!(!Headers::from_pairs(pairs[1..].to_vec()).may_be_truncated());
    }
}
