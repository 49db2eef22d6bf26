//! Nested values as one list of keys.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of a nested mapping by dotted key, such as `train.epochs`. Lists and empty mappings are values.
pub fn flattened(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    add("", value, &mut found);
    found
}

fn add(key: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let key = match key {
                    "" => name.clone(),
                    _ => format!("{key}.{name}"),
                };
                add(&key, member, found);
            }
        }
        _ => {
            found.insert(key.to_owned(), value.clone());
        }
    }
}
