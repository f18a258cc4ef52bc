//! Links from one page to another lead somewhere, and the book has every page.

use std::collections::BTreeSet;

use super::{read, root};

/// The pages of the repository that people read.
fn pages() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_made = ["target", "node_modules", ".git", ".venv", "build"].contains(&&*name);
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !is_made => folders.push(path),
                kind if kind.is_file() && name.ends_with(".md") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The text of a page without its blocks of code.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let outside = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    };
    text.lines().filter(outside).collect::<Vec<_>>().join("\n")
}

/// What the links of a page lead to.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let ends = text.split("](").skip(1);
    ends.filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// The anchor that a heading has on a forge and in the book.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut broken, mut count) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (path, at) = link.split_once('#').unwrap_or((&link, ""));
            let target = root().join(&page).parent().unwrap().join(path);
            let lands = match path {
                "" => Some(text.clone()),
                _ if target.is_dir() => Some(String::new()),
                _ => {
                    std::fs::read(&target).ok().map(|it| String::from_utf8_lossy(&it).into_owned())
                }
            };
            let is_good = lands.is_some_and(|text| at.is_empty() || anchors(&text).contains(at));
            if !is_good {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(count > 100, "links were found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_book_has_every_page_of_the_documents() {
    let listed: BTreeSet<String> = links(&read("docs/SUMMARY.md"))
        .into_iter()
        .filter(|link| !link.is_empty())
        .map(|link| format!("docs/{link}"))
        .collect();
    // What is under way is no part of the manual.
    let left_out = ["docs/SUMMARY.md", "docs/progress.md"];
    let written: BTreeSet<String> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs/") && !left_out.contains(&&**page))
        .collect();
    assert_eq!(listed, written);
}
