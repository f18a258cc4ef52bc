//! What a program does while there is no Portcullis: it starts, and says so.

use std::{
    net::TcpListener,
    process::{Child, Command},
    time::Duration,
};

use reqwest::{Client, StatusCode, redirect::Policy};

struct Running(Child, String);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str) -> Running {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listen, nobody) = (free(), free());
    let child = Command::new(program)
        .env("LISTEN", listen.to_string())
        .env("ISSUER", format!("http://{nobody}/t/acme"))
        .spawn();
    Running(child.unwrap(), format!("http://{listen}"))
}

/// Asks it for each of its pages.
pub async fn starts_and_says_what_cannot_be_had(program: &str) {
    let running = start(program);
    let http = Client::builder().redirect(Policy::none()).build().unwrap();
    let ask = |path: &str| http.get(format!("{}{path}", running.1));
    for _ in 0..500 {
        if ask("/").send().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/login", StatusCode::SERVICE_UNAVAILABLE),
        ("/callback?code=a&state=b", StatusCode::BAD_REQUEST),
        ("/callback", StatusCode::BAD_REQUEST),
        ("/reports", StatusCode::SEE_OTHER),
        ("/api/reports", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(ask(path).send().await.unwrap().status(), status, "{path}");
    }
    // Nobody else's form signs anybody out.
    for origin in [None, Some("https://elsewhere.example")] {
        let mut asked = http.post(format!("{}/logout", running.1));
        if let Some(origin) = origin {
            asked = asked.header("Origin", origin);
        }
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
}
