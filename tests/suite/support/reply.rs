//! Answers, read whole, and what tests say of them.

use std::collections::BTreeMap;

use rocket::local::asynchronous::LocalResponse;
use serde_json::Value;

/// What a sign-in has given.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: Option<String>,
}

/// RFC 6749 §5.2: `%x20-21 / %x23-5B / %x5D-7E`.
#[track_caller]
pub(crate) fn assert_description(text: &str) {
    let fits = |c: u8| (0x20..=0x7e).contains(&c) && c != b'"' && c != b'\\';
    assert!(!text.is_empty() && text.bytes().all(fits), "{text:?}");
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) async fn read(response: LocalResponse<'_>) -> Self {
        let status = response.status().code;
        let headers = response
            .headers()
            .iter()
            .map(|header| (header.name().to_string(), header.value().to_owned()))
            .collect();
        let body = response.into_bytes().await.unwrap_or_default();
        Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|why| panic!("{why}: {} {}", self.status, self.body))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self
    }

    #[track_caller]
    pub(crate) fn tokens(self) -> Tokens {
        let json = self.ok().json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Tokens {
            access: text("access_token").unwrap(),
            refresh: text("refresh_token").unwrap_or_default(),
            id: text("id_token"),
        }
    }

    /// An error in RFC 6749 §5.2's form: JSON, not to be stored.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json()["error"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert!(self.header("content-type").unwrap().starts_with("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_description(self.json()["error_description"].as_str().unwrap());
        let challenge = self.header("www-authenticate").unwrap_or_default();
        assert!(status != 401 || !challenge.is_empty());
        if let Some((_, text)) = challenge.split_once("error_description=\"") {
            assert_description(text.strip_suffix('"').unwrap());
        }
    }

    /// An error page: HTML, no redirect (RFC 6749 §4.1.2.1).
    #[track_caller]
    pub(crate) fn assert_page(&self) {
        assert!((400..500).contains(&self.status), "{} {}", self.status, self.body);
        assert!(self.header("location").is_none());
        assert!(self.header("content-type").unwrap().starts_with("text/html"));
    }

    /// A problem in RFC 9457's form.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.json()["status"], status);
    }

    #[track_caller]
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, 303, "{} {}", self.status, self.body);
        self.header("location").unwrap().to_owned()
    }

    /// The parameters of a redirect to the client.
    #[track_caller]
    pub(crate) fn callback(&self) -> BTreeMap<String, String> {
        let location = self.location();
        assert!(
            location.starts_with("https://app.example/")
                || location.starts_with("http://127.0.0.1"),
            "{location}"
        );
        let uri = url::Url::parse(&location).unwrap();
        uri.query_pairs().into_owned().collect()
    }

    /// A redirect to the client that bears an error, `state` and `iss`.
    #[track_caller]
    pub(crate) fn assert_redirected_error(&self, code: &str) {
        let params = self.callback();
        assert_eq!(params.get("error").map(String::as_str), Some(code), "{params:?}");
        assert!(params["iss"].contains("/t/"), "{params:?}");
        assert_description(&params["error_description"]);
        assert!(!params.contains_key("code"));
    }

    /// The value of a hidden field of a page.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let from =
            self.body.find(&mark).unwrap_or_else(|| panic!("no field {name}: {}", self.body))
                + mark.len();
        let value = self.body[from..].split('"').next().unwrap();
        value
            .replace("&amp;", "&")
            .replace("&#x2F;", "/")
            .replace("&quot;", "\"")
            .replace("&#x27;", "'")
    }
}
