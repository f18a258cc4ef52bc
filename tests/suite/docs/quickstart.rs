//! The quickstart: its commands, in their order, and what they lead to in a browser.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rocket::tokio;

use super::{read, root};
use crate::{
    browser::{browser, fill, press, sees},
    programs::free_port,
    support::{Server, plain_http},
};

/// What is done with a block of commands.
enum Manner {
    Run,
    /// It is done by something else that `make test` runs.
    Elsewhere,
    /// It goes on, and answers at this address once it is up.
    Stays(String),
}

/// The blocks of commands of a page; each line that begins with `$ ` is one.
fn blocks(page: &str) -> Vec<(Manner, Vec<String>)> {
    let (mut found, mut manner, mut open) = (Vec::new(), Manner::Run, None::<Vec<String>>);
    for line in page.lines() {
        match (&mut open, line) {
            (None, "```console") => open = Some(Vec::new()),
            (Some(_), "```") => {
                found.push((std::mem::replace(&mut manner, Manner::Run), open.take().unwrap()));
            }
            (Some(commands), _) => commands.extend(line.strip_prefix("$ ").map(str::to_owned)),
            (None, line) if line.starts_with("<!-- elsewhere: ") => manner = Manner::Elsewhere,
            (None, line) => {
                if let Some(address) = line.strip_prefix("<!-- stays: ") {
                    manner = Manner::Stays(address.trim_end_matches(" -->").to_owned());
                }
            }
        }
    }
    found
}

/// Programs that go on, each in a group of its own with all that it starts.
struct Going(Vec<Child>);

impl Drop for Going {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
        }
    }
}

/// A shell as the reader has it, in a home of its own.
fn shell(home: &Path, ports: [u16; 2]) -> Command {
    let binary = Path::new(Server::binary()).parent().unwrap();
    let folder = home.join("hello");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail"])
        .env("HOME", home)
        .env("REPO", root())
        .env("PATH", format!("{}:{}", binary.display(), std::env::var("PATH").unwrap()))
        .env("ROCKET_PORT", ports[0].to_string())
        .env("PORTCULLIS_MANAGEMENT_ADDRESS", format!("127.0.0.1:{}", ports[1]))
        .current_dir(if folder.exists() { &folder } else { home });
    bash
}

async fn is_up(address: &str) {
    let port = address.split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap();
    let port = port.parse().unwrap();
    for _ in 0..600 {
        if plain_http(port, "GET", "/", &[], "").await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody answers at {address}");
}

#[rocket::async_test]
async fn the_quickstart_ends_with_an_application_and_an_api_that_a_forced_logout_takes_away() {
    let home = tempfile::tempdir().unwrap();
    let [server, management, app, api] = [(); 4].map(|()| free_port());
    let here = |text: &str| {
        let ports = [("8000", server), ("9000", app), ("8080", api)];
        ports.iter().fold(text.to_owned(), |text, (written, port)| {
            text.replace(&format!(":{written}"), &format!(":{port}"))
                .replace(&format!("--port {written}"), &format!("--port {port}"))
        })
    };
    let mut blocks = blocks(&read("docs/quickstart.md"));
    // The last one is what the reader does once they have seen the others work.
    let (_, ending) = blocks.pop().unwrap();
    let (mut going, mut count) = (Going(Vec::new()), 0);
    for (manner, commands) in blocks {
        let script = here(&commands.join("\n"));
        count += commands.len();
        match manner {
            Manner::Elsewhere => {}
            Manner::Run => {
                let mut bash = shell(home.path(), [server, management]);
                let done = bash.args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
                let said = String::from_utf8_lossy(&done.stderr);
                assert!(done.status.success(), "{script}: {said}");
                if script.contains("curl") {
                    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "401");
                }
            }
            Manner::Stays(address) => {
                let mut bash = shell(home.path(), [server, management]);
                bash.args(["-c", &script]).process_group(0);
                bash.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                going.0.push(bash.spawn().unwrap());
                is_up(&here(&address)).await;
            }
        }
    }
    assert!(count >= 12, "the commands were found");

    let driver = browser(true).await;
    driver.goto(format!("http://127.0.0.1:{app}/")).await.unwrap();
    press(&driver, "Sign in").await;
    fill(&driver, "username", "ada").await;
    fill(&driver, "password", "correct horse battery staple").await;
    press(&driver, "Sign in").await;
    press(&driver, "Allow").await;
    sees(&driver, "Hello").await;
    press(&driver, "Ask the API").await;
    sees(&driver, "Hello").await;

    let mut bash = shell(home.path(), [server, management]);
    let ended = bash.args(["-c", &ending.join("\n")]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    // The shell is another process: the server hears of it within two seconds, the API a moment later.
    for _ in 0..100 {
        driver.goto(format!("http://127.0.0.1:{app}/api")).await.unwrap();
        if driver.source().await.unwrap().contains("Sign in") {
            driver.quit().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the application did not sign her out");
}
