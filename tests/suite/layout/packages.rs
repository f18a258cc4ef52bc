//! In which room each package lives, and who may name the master key.

use super::{
    Violation,
    house::House,
    rules::{MASTER_KEY_HOMES, PACKAGES},
};

pub(super) const RULE: &str = "packages";
pub(super) const MASTER_KEY: &str = "master key";

fn lives_in(file: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| file == *home || home.ends_with('/') && file.starts_with(home))
}

/// Every use of a package outside its room.
pub(super) fn check(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &house.files {
        for mention in &file.mentions {
            let Some(package) = house.package(mention) else { continue };
            let Some((_, homes)) =
                PACKAGES.iter().find(|(names, _)| names.contains(&package.as_str()))
            else {
                continue;
            };
            if !lives_in(&file.name, homes) {
                let message = format!("{package} lives in {}", homes.join(", "));
                let (file, line) = (file.name.clone(), mention.line);
                found.push(Violation { file, line, rule: RULE, subject: package, message });
            }
        }
    }
    found
}

/// Every place that names the master key's type and is not where keys are kept.
pub(super) fn check_master_key(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in house.files.iter().filter(|file| !lives_in(&file.name, MASTER_KEY_HOMES)) {
        found.extend(file.master_key.iter().map(|&line| Violation {
            file: file.name.clone(),
            line,
            rule: MASTER_KEY,
            subject: "MasterKey".to_owned(),
            message: format!("the master key is named in {} alone", MASTER_KEY_HOMES.join(", ")),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str, check: fn(&House) -> Vec<Violation>) -> Vec<String> {
        check(&House::of([(name, text)])).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_package_outside_its_room_is_found_however_it_is_named() {
        let expected = ["src/web/x.rs:3: packages: diesel lives in storage/ [diesel]"];
        for text in [
            "//! x\n\nuse diesel::prelude::*;\n",
            "//! x\n\nuse {std::fmt, diesel as sql};\n",
            "//! x\n\nfn f() { g(diesel::delete(x)) }\n",
            "//! x\n\nfn f() { m!(diesel::delete(x)) }\n",
            "//! x\n\n#[derive(diesel::Queryable)] struct X;\n",
        ] {
            assert_eq!(found("web/x.rs", text, check), expected, "{text}");
        }
        assert_eq!(
            found("storage/x.rs", "//! x\nuse diesel::prelude::*;\n", check),
            Vec::<String>::new()
        );
        assert_eq!(
            found("web/x.rs", "//! x\n// use diesel::prelude::*;\n", check),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_package_with_a_room_is_found_outside_of_it() {
        for (packages, homes) in PACKAGES {
            for package in *packages {
                let text = format!("//! x\nuse {package}::It;\n");
                let found = found("attic.rs", &text, check);
                let expected = format!(
                    "src/attic.rs:2: packages: {package} lives in {} [{package}]",
                    homes.join(", ")
                );
                assert_eq!(found, [expected]);
            }
        }
    }

    #[test]
    fn the_master_key_elsewhere_is_found() {
        let text =
            "//! x\nuse crate::keys::{\n    MasterKey as Key,\n};\n/// A `MasterKey`.\nstruct X;\n";
        let message =
            "master key: the master key is named in keys/, installation.rs alone [MasterKey]";
        assert_eq!(
            found("web/x.rs", text, check_master_key),
            [format!("src/web/x.rs:3: {message}")]
        );
        assert_eq!(found("keys/x.rs", text, check_master_key), Vec::<String>::new());
    }
}
