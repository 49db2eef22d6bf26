//! The stack machine of the pickle format, for plain data and tensors only.
//!
//! Values are nodes of an arena and refer to one another by index, as a pickle may share and nest them at will; only
//! the end result becomes a tree, with bounds on its depth and size.

mod build;
mod numpy;
mod read;
mod reduce;
mod storages;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::error::{Fault, FaultKind, at_most, malformed, refused};
use super::global::Global;
use super::{DType, TensorRef, Value, opcode};
pub(super) use storages::Storages;

/// Bound on nodes, memo entries and stack; the checkpoint of a network of 1,000 tensors needs about 10,000.
const MAX_NODES: usize = 4 << 20;

type Id = u32;
type Step<T> = Result<T, FaultKind>;

#[derive(Debug, Clone)]
enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Arc<Vec<u8>>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict {
        ordered: bool,
        entries: Vec<(Id, Id)>,
    },
    Global(Global),
    NumpyDtype {
        name: String,
        big_endian: bool,
    },
    /// An array that waits for its state.
    NumpyArray,
    Storage(StorageRef),
    Tensor(TensorRef),
    Object {
        class: &'static str,
        arguments: Vec<Id>,
        state: Option<Id>,
    },
}

/// A storage as a pickle refers to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StorageRef {
    pub(super) index: usize,
    pub(super) dtype: DType,
    pub(super) num_values: usize,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict { ordered: true, .. } => "an OrderedDict",
            Self::Dict { .. } => "a dict",
            Self::Global(global) => return global.fmt(f),
            Self::NumpyDtype { name, .. } => return write!(f, "numpy.dtype({name:?})"),
            Self::NumpyArray => "a numpy array without its state",
            Self::Storage(_) => "a storage without a tensor",
            Self::Tensor(_) => "a tensor",
            Self::Object { class, .. } => return write!(f, "an object of {class}"),
        })
    }
}

/// Runs the pickle that `bytes` begin with; its value and its length.
pub(super) fn load(bytes: &[u8], storages: &mut Storages<'_>) -> Result<(Value, usize), Fault> {
    let (nodes, root, num_bytes) = run(bytes, storages)?;
    let value = build::tree(&nodes, root, num_bytes).map_err(|kind| Fault {
        kind,
        opcode: opcode::name(b'.'),
        position: num_bytes - 1,
    })?;
    Ok((value, num_bytes))
}

/// [`load`] of a pickle that is a storage and nothing else.
pub(super) fn load_storage(
    bytes: &[u8],
    storages: &mut Storages<'_>,
) -> Result<(StorageRef, usize), Fault> {
    let (nodes, root, num_bytes) = run(bytes, storages)?;
    match &nodes[root as usize] {
        Node::Storage(storage) => Ok((*storage, num_bytes)),
        other => Err(Fault {
            kind: FaultKind::Malformed(format!("{other} where a storage must be")),
            opcode: opcode::name(b'.'),
            position: num_bytes - 1,
        }),
    }
}

fn run(pickle: &[u8], storages: &mut Storages<'_>) -> Result<(Vec<Node>, Id, usize), Fault> {
    let mut machine = Machine {
        pickle,
        position: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        num_copied: 0,
        storages,
    };
    loop {
        let position = machine.position;
        let fault = |opcode: String, kind| Fault {
            kind,
            opcode,
            position,
        };
        let Some(&code) = pickle.get(position) else {
            let reason = "the pickle ends before STOP; the file is truncated".to_owned();
            return Err(fault("none".to_owned(), FaultKind::Malformed(reason)));
        };
        machine.position += 1;
        match machine.step(code) {
            Ok(None) => {}
            Ok(Some(root)) => return Ok((machine.nodes, root, machine.position)),
            Err(kind) => return Err(fault(opcode::name(code), kind)),
        }
    }
}

struct Machine<'a, 'b> {
    pickle: &'a [u8],
    position: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    num_copied: usize,
    storages: &'a mut Storages<'b>,
}

impl Machine<'_, '_> {
    /// Runs one opcode; the result if it is the last.
    fn step(&mut self, code: u8) -> Step<Option<Id>> {
        match code {
            b'.' => return self.pop().map(Some),
            0x80 => match self.byte()? {
                0..=5 => {}
                other => return malformed(format!("protocol {other} is unknown")),
            },
            // Frames only help a reader that buffers.
            0x95 => drop(self.take(8)?),
            b'(' => {
                self.bound("marks", self.marks.len())?;
                self.marks.push(self.stack.len());
            }
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }

            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            b'K' => self.int(1)?,
            b'M' => self.int(2)?,
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Node::Float(value))?;
            }

            0x8c => self.text(1)?,
            b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            // Python 2 does not tell text and bytes apart; keys of its checkpoints are text.
            b'U' => self.text_or_bytes(1)?,
            b'T' => self.text_or_bytes(4)?,
            b'C' => self.bytes(1)?,
            b'B' => self.bytes(4)?,
            0x8e | 0x96 => self.bytes(8)?,

            b']' => self.push(Node::List(Vec::new()))?,
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Node::List(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)?;
            }
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))?;
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=code {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::Tuple(items))?;
            }
            b'}' => self.push(Node::Dict {
                ordered: false,
                entries: Vec::new(),
            })?,
            b'd' => {
                let items = self.pop_to_mark()?;
                let entries = pairs(&items)?;
                self.push(Node::Dict {
                    ordered: false,
                    entries,
                })?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dict(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.extend_dict(&items)?;
            }

            b'q' => self.memorise(1)?,
            b'r' => self.memorise(4)?,
            0x94 => self.memorise_at(self.memo.len() as u64)?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,

            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(&module, &name)?;
            }
            0x93 => {
                let name = self.pop_text()?;
                let module = self.pop_text()?;
                self.global(&module, &name)?;
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return refused(format!("an instance of {module}.{name}"));
            }
            // `class(*arguments)`, if the class is one that only describes data.
            0x81 if self.describes_table() => {
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.reduce(class, arguments)?;
            }
            b'o' | 0x81 | 0x92 => {
                let class = self.stack.iter().rev().find_map(|id| match self.node(*id) {
                    Node::Global(global) => Some(global.to_string()),
                    _ => None,
                });
                let class = class.unwrap_or_else(|| "a class".to_owned());
                return refused(format!("an instance of {class}"));
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id)?;
            }
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.reduce(function, arguments)?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.set_state(object, state)?;
            }
            other => return refused(format!("opcode {}", opcode::name(other))),
        }
        Ok(None)
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        match Global::find(module, name) {
            Some(global) => self.push(Node::Global(global)),
            None => refused(format!("{module}.{name}")),
        }
    }

    /// Gives the uppermost value the key that follows, of `width` bytes.
    fn memorise(&mut self, width: usize) -> Step<()> {
        let key = self.number(width)?;
        self.memorise_at(key)
    }

    fn memorise_at(&mut self, key: u64) -> Step<()> {
        self.bound("memo entries of the pickle", self.memo.len())?;
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Step<()> {
        let key = self.number(width)?;
        match self.memo.get(&key) {
            Some(&id) => self.push_id(id),
            None => malformed(format!("no memo entry {key}")),
        }
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        match &mut self.nodes[top as usize] {
            Node::List(list) => list.extend(items),
            other => return malformed(format!("{other} where a list must be")),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Step<()> {
        let new = pairs(items)?;
        let top = self.top()?;
        match &mut self.nodes[top as usize] {
            Node::Dict { entries, .. } => entries.extend(new),
            other => return malformed(format!("{other} where a dict must be")),
        }
        Ok(())
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    fn push(&mut self, node: Node) -> Step<()> {
        self.bound("values in the pickle", self.nodes.len())?;
        self.nodes.push(node);
        self.push_id((self.nodes.len() - 1) as Id)
    }

    fn push_id(&mut self, id: Id) -> Step<()> {
        self.bound("stack of the pickle", self.stack.len())?;
        self.stack.push(id);
        Ok(())
    }

    fn bound(&self, what: &'static str, count: usize) -> Step<()> {
        at_most(what, count + 1, MAX_NODES)
    }

    /// Counts what an opcode copies beyond its own bytes: a few of them could otherwise copy one large value for ever.
    fn count_copied(&mut self, count: usize) -> Step<()> {
        let limit = self.pickle.len().saturating_mul(16).saturating_add(1 << 24);
        self.num_copied = self.num_copied.saturating_add(count);
        at_most("copies within the pickle", self.num_copied, limit)
    }

    /// The uppermost value above the last mark.
    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => malformed("the stack is empty"),
        }
    }

    fn pop(&mut self) -> Step<Id> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_to_mark(&mut self) -> Step<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => malformed("there is no mark"),
        }
    }

    fn pop_text(&mut self) -> Step<String> {
        let id = self.pop()?;
        let text = match self.node(id) {
            Node::Str(text) => text.clone(),
            other => return malformed(format!("{other} where a name must be")),
        };
        self.count_copied(text.len())?;
        Ok(text)
    }
}

/// Keys and values that follow one another.
fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return malformed("a key without a value");
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
