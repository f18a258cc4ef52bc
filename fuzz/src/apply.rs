//! The file that `apply` reads.

use portcullis::admin::{AdminError, ClientInput, File, TenantInput, UserInput, read_input};
use serde_json::Value;

/// Reads it: what is read says the same once it is written, in YAML and in JSON; and what the API's
/// inputs make of its entries is an error that names a field, or an input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = match File::parse(text) {
        Ok(file) => file.to_value(),
        Err(why) => {
            assert!(!why.field.is_empty() && !why.message.is_empty(), "{why:?}");
            return;
        }
    };
    let yaml = serde_norway::to_string(&file).unwrap();
    for written in [yaml, file.to_string()] {
        let again = File::parse(&written).unwrap_or_else(|why| panic!("{why:?}\n{written}"));
        assert_eq!(again.to_value(), file, "{written}");
    }
    for tenant in file["tenants"].as_array().unwrap() {
        let mut members = tenant.clone();
        for (heading, read) in
            [("clients", read_client as fn(Value)), ("users", |user| read_user(&user))]
        {
            if let Some(Value::Array(entries)) = members.as_object_mut().unwrap().remove(heading) {
                entries.into_iter().for_each(read);
            }
        }
        assert_named(read_input::<TenantInput>(&members).err());
    }
}

fn read_client(entry: Value) {
    if let Err(field) = ClientInput::from_value(entry) {
        assert!(!field.field.is_empty(), "{field:?}");
    }
}

fn read_user(entry: &Value) {
    assert_named(read_input::<UserInput>(entry).err());
}

fn assert_named(error: Option<AdminError>) {
    match error {
        Some(AdminError::Invalid(field)) => assert!(!field.field.is_empty(), "{field:?}"),
        Some(other) => panic!("{other:?}"),
        None => {}
    }
}
