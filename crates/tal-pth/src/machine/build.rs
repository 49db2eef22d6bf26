//! From the nodes of the machine to a tree of values.

use std::collections::HashSet;

use super::{Global, Id, MAX_NODES, Node, Step, at_most, malformed, refused};
use crate::{Object, Value};

/// Bound on the nesting of the result.
const MAX_DEPTH: usize = 128;

/// The tree below `root`. Shared nodes are copied, so that its size is bounded apart from that of the pickle.
pub(super) fn tree(nodes: &[Node], root: Id, num_pickle_bytes: usize) -> Step<Value> {
    let mut builder = Builder {
        nodes,
        num_values: 0,
        num_bytes: 0,
        max_bytes: num_pickle_bytes.saturating_mul(16).saturating_add(1 << 20),
    };
    builder.value(root, 0)
}

struct Builder<'a> {
    nodes: &'a [Node],
    num_values: usize,
    num_bytes: usize,
    max_bytes: usize,
}

impl Builder<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Step<Value> {
        // A list that contains itself ends here, too.
        at_most("nesting of the values", depth, MAX_DEPTH)?;
        self.num_values += 1;
        at_most("values in the pickle", self.num_values, MAX_NODES)?;
        let nodes = self.nodes;
        Ok(match &nodes[id as usize] {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Str(text) => {
                self.count_bytes(text.len())?;
                Value::Str(text.clone())
            }
            Node::Bytes(bytes) => {
                self.count_bytes(bytes.len())?;
                Value::Bytes(bytes.to_vec())
            }
            Node::List(items) => Value::List(self.values(items, depth)?),
            Node::Tuple(items) => Value::Tuple(self.values(items, depth)?),
            Node::Dict { entries, .. } => Value::Dict(self.entries(entries, depth)?),
            Node::Tensor(tensor) => {
                self.count_bytes(16 * tensor.shape.len())?;
                Value::Tensor(tensor.clone())
            }
            Node::Object {
                class,
                arguments,
                state,
            } => Value::Object(Box::new(Object {
                class,
                arguments: self.values(arguments, depth)?,
                state: match state {
                    Some(state) => self.value(*state, depth + 1)?,
                    None => Value::None,
                },
            })),
            // The class that an index of a table is made of.
            Node::Global(Global::Table(class)) => Value::Object(Box::new(Object {
                class,
                arguments: Vec::new(),
                state: Value::None,
            })),
            other @ (Node::Global(_)
            | Node::NumpyDtype { .. }
            | Node::NumpyArray
            | Node::Storage { .. }) => return refused(format!("{other} as a value")),
        })
    }

    fn values(&mut self, items: &[Id], depth: usize) -> Step<Vec<Value>> {
        items.iter().map(|&id| self.value(id, depth + 1)).collect()
    }

    fn entries(&mut self, entries: &[(Id, Id)], depth: usize) -> Step<Vec<(Value, Value)>> {
        let nodes = self.nodes;
        let mut texts = HashSet::new();
        let mut numbers = HashSet::new();
        let mut result = Vec::new();
        for &(key, value) in entries {
            let is_new = match &nodes[key as usize] {
                Node::Str(text) => texts.insert(text.as_str()),
                Node::Int(number) => numbers.insert(*number),
                Node::None | Node::Bool(_) | Node::Float(_) | Node::Bytes(_) | Node::Tuple(_) => {
                    true
                }
                other => return malformed(format!("{other} as a key")),
            };
            let key = self.value(key, depth + 1)?;
            if !is_new {
                return malformed(format!("the key {key:?} twice in a dict"));
            }
            result.push((key, self.value(value, depth + 1)?));
        }
        Ok(result)
    }

    fn count_bytes(&mut self, count: usize) -> Step<()> {
        self.num_bytes = self.num_bytes.saturating_add(count);
        let what = "bytes of text in the pickle";
        at_most(what, self.num_bytes, self.max_bytes)
    }
}
