//! Request parameters (RFC 6749 §3.1, §3.2): UTF-8, percent-encoded, none of them twice.

use std::collections::BTreeMap;

use super::OauthError;

/// The parameters of a request. A parameter sent without a value counts as left out
/// (RFC 6749 §3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    single: BTreeMap<String, String>,
    resource: Vec<String>,
}

impl Params {
    const MOST: usize = 100;

    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// `invalid_request`: bad percent-encoding, not UTF-8, a parameter twice (only RFC 8707's
    /// `resource` may repeat), or more than a hundred of them.
    pub fn parse(encoded: &[u8]) -> Result<Self, OauthError> {
        match Self::parse_apart(encoded) {
            (params, None) => Ok(params),
            (_, Some(fault)) => Err(fault),
        }
    }

    /// The same, with what is wrong beside what is right: of a parameter that came twice,
    /// neither value; of a query that cannot be decoded, nothing.
    pub fn parse_apart(encoded: &[u8]) -> (Self, Option<OauthError>) {
        let mut params = Self::default();
        if let Err(fault) = check_encoding(encoded) {
            return (params, Some(fault));
        }
        let mut twice = None;
        for (seen, (name, value)) in form_urlencoded::parse(encoded).enumerate() {
            if seen >= Self::MOST {
                return (Self::default(), Some(OauthError::invalid_request("too many parameters")));
            }
            if !is_storable(&value) || !is_storable(&name) {
                return (
                    Self::default(),
                    Some(OauthError::invalid_request("a NUL byte in a parameter")),
                );
            }
            if name == "resource" {
                params.resource.extend(Some(value.into_owned()).filter(|value| !value.is_empty()));
            } else if params.single.insert(name.clone().into_owned(), value.into_owned()).is_some()
            {
                twice.get_or_insert_with(Vec::new).push(name.into_owned());
            }
        }
        params.single.retain(|name, value| {
            !value.is_empty()
                && !twice.as_ref().is_some_and(|names: &Vec<String>| names.contains(name))
        });
        let fault = twice.and_then(|names| names.first().map(|name| printable(name)));
        let fault =
            fault.map(|name| OauthError::invalid_request(format!("parameter given twice: {name}")));
        (params, fault)
    }

    /// The parameter's value, where it was sent.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(String::as_str)
    }

    /// The parameter's value.
    ///
    /// # Errors
    /// `invalid_request` where it was not sent.
    pub fn required(&self, name: &'static str) -> Result<&str, OauthError> {
        self.find(name)
            .ok_or_else(|| OauthError::invalid_request(format!("missing parameter: {name}")))
    }

    /// Every parameter but `resource`, by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.single.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every `resource` (RFC 8707 §2), in the order sent.
    pub fn resources(&self) -> &[String] {
        &self.resource
    }

    /// The same parameters with `name` set to `value`, or taken out.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.single.insert(name.to_owned(), value),
            None => self.single.remove(name),
        };
        self
    }

    /// The parameters as a query string.
    pub fn to_query(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(&self.single);
        for resource in &self.resource {
            out.append_pair("resource", resource);
        }
        out.finish()
    }
}

/// Whether both databases can store `text`: PostgreSQL has none with a NUL in it. Nothing that is asked
/// for by such a text exists.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// What of `name` may be shown back: it came from outside.
fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}

/// Refuses what `form_urlencoded` would mend in silence.
fn check_encoding(encoded: &[u8]) -> Result<(), OauthError> {
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            continue;
        }
        let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
        if !(hex(bytes.next()) && hex(bytes.next())) {
            return Err(OauthError::invalid_request("bad percent-encoding"));
        }
    }
    let decoded: Vec<u8> = percent_encoding::percent_decode(encoded).collect();
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(OauthError::invalid_request("not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lenient_parser_would_mend_is_refused() {
        for bad in ["a=1&a=2", "a=%zz", "a=%4", "a=%ff", "a=%00"] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Params::parse(b"a=\xff").is_err());
    }

    #[test]
    fn an_empty_value_counts_as_left_out_and_resource_may_repeat() {
        let params = Params::parse(b"scope=&state=x+y&resource=a&resource=b").unwrap();
        assert_eq!(params.find("scope"), None);
        assert_eq!(params.find("state"), Some("x y"));
        assert_eq!(params.resources(), ["a", "b"]);
        assert_eq!(Params::parse(params.to_query().as_bytes()).unwrap(), params);
    }
}
