//! Plain data out of a pickle.

use super::TensorRef;

/// One value; `OrderedDict` is a dict and `torch.Size` a tuple.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    /// Keys and values in the order of insertion.
    Dict(Vec<(Value, Value)>),
    Tensor(TensorRef),
    /// An object of a class that only describes data, such as a table of pandas; see [`Object`].
    Object(Box<Object>),
}

/// An object as the pickle describes it. Its class is a name and nothing else: no code of it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Name of the class or function, without its module, such as `DataFrame`.
    pub class: &'static str,
    /// Arguments that it would be called with.
    pub arguments: Vec<Value>,
    /// Attributes that it would get; `None` if there are none.
    pub state: Value,
}

impl Value {
    /// The entry `key` of a dict (a str, or an int written in decimal), or the item with that index of a list or tuple.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Dict(entries) => {
                let number = key.parse::<i64>().ok();
                let entry = entries.iter().find(|(found, _)| match found {
                    Self::Str(name) => name == key,
                    Self::Int(value) => Some(*value) == number,
                    _ => false,
                });
                entry.map(|(_, value)| value)
            }
            Self::List(items) | Self::Tuple(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// [`Value::get`] repeatedly, from the outside to the inside.
    pub fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The number, if it is an int.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is a float or an int.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The truth value, if it is a bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is a str.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(value) => Some(value),
            _ => None,
        }
    }

    /// The items, if it is a list or a tuple.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Keys and values, if it is a dict.
    pub fn as_dict(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The tensor, if it is one.
    pub fn as_tensor(&self) -> Option<&TensorRef> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The object, if it is one of this class.
    pub fn as_object(&self, class: &str) -> Option<&Object> {
        match self {
            Self::Object(object) if object.class == class => Some(object),
            _ => None,
        }
    }

    /// The entries of a dict whose key is a str and whose value is a tensor; nothing for any other value.
    pub fn named_tensors(&self) -> impl Iterator<Item = (&str, &TensorRef)> {
        self.as_dict()
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value.as_tensor()?)))
    }

    /// Description in a few words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(_) => "a bool".to_owned(),
            Self::Int(_) => "an int".to_owned(),
            Self::Float(_) => "a float".to_owned(),
            Self::Str(_) => "a str".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Tuple(items) => format!("a tuple of {}", items.len()),
            Self::Tensor(tensor) => format!("a tensor {:?}", tensor.shape),
            Self::Object(object) => format!("an object of {}", object.class),
            Self::Dict(entries) => {
                const SHOWN: usize = 8;
                let mut keys: Vec<String> = entries
                    .iter()
                    .take(SHOWN)
                    .map(|(key, _)| match key {
                        Self::Str(name) => format!("{name:?}"),
                        Self::Int(value) => value.to_string(),
                        other => other.describe(),
                    })
                    .collect();
                if entries.len() > SHOWN {
                    keys.push(format!("… {} more", entries.len() - SHOWN));
                }
                format!("a dict with the keys [{}]", keys.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_through_dicts_and_lists() {
        let entry = |key: &str, value| (Value::Str(key.to_owned()), value);
        let groups = Value::List(vec![Value::Dict(vec![entry("lr", Value::Float(1e-3))])]);
        let state = Value::Dict(vec![(Value::Int(3), Value::Bool(true))]);
        let root = Value::Dict(vec![entry("groups", groups), entry("state", state)]);
        assert_eq!(
            root.at(&["groups", "0", "lr"]).and_then(Value::as_f64),
            Some(1e-3)
        );
        assert_eq!(
            root.at(&["state", "3"]).and_then(Value::as_bool),
            Some(true)
        );
        assert_eq!(root.at(&["groups", "1"]), None);
        assert_eq!(root.at(&["groups", "0", "lr", "x"]), None);
        assert_eq!(
            root.describe(),
            "a dict with the keys [\"groups\", \"state\"]"
        );
    }
}
