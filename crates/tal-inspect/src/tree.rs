//! Named tensors as a tree.

use std::collections::BTreeMap;

use tal_core::shape_text;
use tal_runs::TensorEntry;

use tal_core::grouped;

#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<Part<'a>, Node<'a>>,
    tensor: Option<&'a TensorEntry>,
    num_values: usize,
}

/// A part of a name; numbers are in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(u64, &'a str),
    Word(&'a str),
}

impl<'a> Part<'a> {
    fn of(text: &'a str) -> Self {
        text.parse()
            .map_or(Self::Word(text), |number| Self::Number(number, text))
    }

    fn text(&self) -> &'a str {
        match self {
            Self::Number(_, text) | Self::Word(text) => text,
        }
    }
}

/// The tensors as a tree over the parts of their names between dots, with the number of values of each branch; branches below
/// `depth` levels are not shown.
pub fn tree<'a>(tensors: impl IntoIterator<Item = &'a TensorEntry>, depth: usize) -> String {
    let mut root = Node::default();
    for tensor in tensors {
        let mut node = &mut root;
        node.num_values = node.num_values.saturating_add(tensor.num_values());
        for part in tensor.name.split('.') {
            node = node.children.entry(Part::of(part)).or_default();
            node.num_values = node.num_values.saturating_add(tensor.num_values());
        }
        node.tensor = Some(tensor);
    }
    let mut lines = Vec::new();
    draw(&root, "", depth, &mut lines);
    lines.join("\n")
}

fn draw(node: &Node<'_>, indent: &str, depth: usize, lines: &mut Vec<String>) {
    let count = node.children.len();
    for (index, (part, child)) in node.children.iter().enumerate() {
        let (mut name, mut child) = (part.text().to_owned(), child);
        // A branch with a single twig is one line.
        while child.tensor.is_none() && child.children.len() == 1 {
            let (part, only) = child.children.iter().next().expect("there is one");
            name = format!("{name}.{}", part.text());
            child = only;
        }
        let is_last = index + 1 == count;
        let branch = if is_last { "└─ " } else { "├─ " };
        let what = match child.tensor {
            Some(tensor) => format!("{} {}", tensor.dtype, shape_text(&tensor.shape)),
            None => grouped(child.num_values),
        };
        lines.push(format!("{indent}{branch}{name}  {what}"));
        if depth > 1 {
            let below = if is_last { "   " } else { "│  " };
            draw(child, &format!("{indent}{below}"), depth - 1, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: &[usize]) -> TensorEntry {
        TensorEntry {
            name: name.to_owned(),
            dtype: "F32".to_owned(),
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn branches_have_sums_and_numbers_their_order() {
        let all = [
            tensor("stem.10.weight", &[2, 3]),
            tensor("stem.9.weight", &[4]),
            tensor("stem.9.bias", &[1]),
            tensor("head.conv.bias", &[7]),
        ];
        let expected = "\
├─ head.conv.bias  F32 [7]
└─ stem  11
   ├─ 9  5
   │  ├─ bias  F32 [1]
   │  └─ weight  F32 [4]
   └─ 10.weight  F32 [2, 3]";
        assert_eq!(tree(&all, 9), expected);
        assert_eq!(tree(&all, 1), "├─ head.conv.bias  F32 [7]\n└─ stem  11");
    }
}
