//! A browser without a window: it keeps cookies and sends forms as they were shown.

use std::collections::BTreeMap;

use rocket::http::Method;

use super::{PASSWORD, Reply, TestApp, TestTenant, form};

pub(crate) struct Agent<'a> {
    app: &'a TestApp,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Agent<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app, cookies: BTreeMap::new() }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> Reply {
        let jar: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let jar = jar.join("; ");
        let mut all = vec![("Cookie", jar.as_str()), ("User-Agent", "a browser")];
        all.extend(headers);
        let reply = self.app.send(method, path, &all, body).await;
        for cookie in reply.cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() || rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::Get, path, String::new(), &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send(Method::Post, path, form(pairs), &headers).await
    }

    /// Posts from another site, as a browser would say it.
    pub(crate) async fn post_cross_site(&mut self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Sec-Fetch-Site", "cross-site"),
        ];
        self.send(Method::Post, path, form(pairs), &headers).await
    }

    /// Signs in at a tenant's login page.
    pub(crate) async fn log_in(&mut self, tenant: TestTenant<'_>, username: &str) -> Reply {
        let path = tenant.path("/login");
        let page = self.get(&path).await.ok();
        let csrf = page.hidden("csrf_token");
        self.post(&path, &[("csrf_token", &csrf), ("username", username), ("password", PASSWORD)])
            .await
    }

    /// Signs in at the console.
    pub(crate) async fn log_in_to_console(&mut self, tenant: &str, username: &str) -> Reply {
        let page = self.get("/admin/login").await.ok();
        let csrf = page.hidden("csrf_token");
        let fields = [
            ("csrf_token", csrf.as_str()),
            ("tenant", tenant),
            ("username", username),
            ("password", PASSWORD),
        ];
        self.post("/admin/login", &fields).await
    }

    /// Sends a console form, with its token.
    pub(crate) async fn console(&mut self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let home = self.get("/admin").await.location();
        let csrf = self.get(&home).await.hidden("csrf_token");
        let mut all = vec![("csrf_token", csrf.as_str())];
        all.extend(pairs);
        self.post(path, &all).await
    }

    /// Follows an authorization request through consent, which it gives, to the answer.
    pub(crate) async fn authorize(&mut self, path: &str) -> Reply {
        let reply = self.get(path).await;
        let location = reply.header("location").unwrap_or_default().to_owned();
        if !location.contains("/consent?") {
            return reply;
        }
        let page = self.get(&location).await.ok();
        let (csrf, request) = (page.hidden("csrf_token"), page.hidden("request"));
        let path = location.split('?').next().unwrap().to_owned();
        self.post(&path, &[("csrf_token", &csrf), ("request", &request), ("decision", "allow")])
            .await
    }
}
