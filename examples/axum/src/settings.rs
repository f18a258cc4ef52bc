//! What the program is told by its environment; what is left out is as `portcullis serve --demo` has it.

use std::net::SocketAddr;

/// Where everything is, and as whom this program comes.
#[derive(Clone)]
pub struct Settings {
    /// The tenant's issuer.
    pub issuer: String,
    /// The API's own name, which tokens bear as `aud`.
    pub audience: String,
    /// The client that people sign in by.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The client by which the API hears what was ended.
    pub api_client_id: String,
    /// Its secret.
    pub api_client_secret: String,
    /// Where this program listens.
    pub listen: SocketAddr,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// `LISTEN` is no address.
    pub fn read() -> Result<Self, std::net::AddrParseError> {
        let read = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
        Ok(Self {
            issuer: read("ISSUER", "http://127.0.0.1:8000/t/acme"),
            audience: read("AUDIENCE", "https://api.acme.example"),
            client_id: read("CLIENT_ID", "web"),
            client_secret: read("CLIENT_SECRET", "demo-secret-for-the-acme-web-client"),
            api_client_id: read("API_CLIENT_ID", "api"),
            api_client_secret: read("API_CLIENT_SECRET", "demo-secret-for-the-acme-api-client"),
            listen: read("LISTEN", "127.0.0.1:9000").parse()?,
        })
    }

    /// This program's own address.
    pub fn base(&self) -> String {
        format!("http://{}", self.listen)
    }
}
