//! What the documents say is so.

mod errors;
mod links;
mod printed;
mod quickstart;

use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|why| panic!("{page}: {why}"))
}

/// How many blocks a page quotes of programs, each from the one that was named last before it.
fn quoted(page: &str) -> usize {
    let folder = root().join(page);
    let folder = folder.parent().unwrap();
    let (mut program, mut block, mut count) = (None, None::<String>, 0);
    for line in read(page).lines() {
        let named = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        match (&mut block, named) {
            (None, Some(named)) => {
                let found =
                    [root().join(named), folder.join(named)].into_iter().find(|it| it.exists());
                let found = found.unwrap_or_else(|| panic!("{page} names {named}"));
                program = Some(std::fs::read_to_string(found).unwrap());
            }
            (None, None) if ["```rust", "```ts", "```js", "```python", "```go"].contains(&line) => {
                block = Some(String::new());
            }
            (Some(quote), _) if line == "```" => {
                if let Some(program) = &program {
                    assert!(
                        program.contains(quote.as_str()),
                        "{page}: no program has this: {quote}"
                    );
                    count += 1;
                }
                block = None;
            }
            (Some(quote), _) => *quote += &format!("{line}\n"),
            _ => {}
        }
    }
    count
}

#[test]
fn pages_quote_programs_that_are_built_and_asked() {
    for (page, blocks) in
        [("docs/guard.md", 13), ("guard/node/README.md", 4), ("guard/go/README.md", 1)]
    {
        assert_eq!(quoted(page), blocks, "{page}");
    }
}
