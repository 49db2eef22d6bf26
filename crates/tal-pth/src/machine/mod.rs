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
use std::sync::Arc;

use super::error::{Fault, FaultKind};
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

impl Node {
    fn describe(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(_) => "a bool".to_owned(),
            Self::Int(_) => "an int".to_owned(),
            Self::Float(_) => "a float".to_owned(),
            Self::Str(_) => "a str".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Tuple(_) => "a tuple".to_owned(),
            Self::Dict { ordered: true, .. } => "an OrderedDict".to_owned(),
            Self::Dict { .. } => "a dict".to_owned(),
            Self::Global(global) => global.describe(),
            Self::NumpyDtype { name, .. } => format!("numpy.dtype({name:?})"),
            Self::NumpyArray => "a numpy array without its state".to_owned(),
            Self::Storage(_) => "a storage without a tensor".to_owned(),
            Self::Tensor(_) => "a tensor".to_owned(),
            Self::Object { class, .. } => format!("an object of {class}"),
        }
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
            kind: FaultKind::malformed(format!("{} where a storage must be", other.describe())),
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
            let kind = FaultKind::malformed("the pickle ends before STOP; the file is truncated");
            return Err(fault("none".to_owned(), kind));
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
    memo: HashMap<u32, Id>,
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
                other => return Err(FaultKind::malformed(format!("protocol {other} is unknown"))),
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
            b'K' => {
                let value = self.byte()?;
                self.push(Node::Int(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            0x8a => {
                let len = self.byte()?.into();
                self.long(len)?;
            }
            0x8b => {
                let len = self.len4()?;
                self.long(len)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Node::Float(value))?;
            }

            0x8c => {
                let len = self.byte()?.into();
                self.text(len)?;
            }
            b'X' => {
                let len = self.len4()?;
                self.text(len)?;
            }
            0x8d => {
                let len = self.len8()?;
                self.text(len)?;
            }
            // Python 2 does not tell text and bytes apart; keys of its checkpoints are text.
            b'U' => {
                let len = self.byte()?.into();
                self.text_or_bytes(len)?;
            }
            b'T' => {
                let len = self.len4()?;
                self.text_or_bytes(len)?;
            }
            b'C' => {
                let len = self.byte()?.into();
                self.bytes(len)?;
            }
            b'B' => {
                let len = self.len4()?;
                self.bytes(len)?;
            }
            0x8e | 0x96 => {
                let len = self.len8()?;
                self.bytes(len)?;
            }

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

            b'q' => {
                let key = self.byte()?.into();
                self.memorise(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.memorise(key)?;
            }
            0x94 => self.memorise(self.memo.len() as u32)?,
            b'h' => {
                let key = self.byte()?.into();
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }

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
                return Err(FaultKind::Refused(format!(
                    "an instance of {module}.{name}"
                )));
            }
            // `class(*arguments)`, if the class is one that only describes data.
            0x81 if self.describes_table() => {
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.reduce(class, arguments)?;
            }
            b'o' | 0x81 | 0x92 => {
                let class = self.stack.iter().rev().find_map(|id| match self.node(*id) {
                    Node::Global(global) => Some(global.describe()),
                    _ => None,
                });
                let class = class.unwrap_or_else(|| "a class".to_owned());
                return Err(FaultKind::Refused(format!("an instance of {class}")));
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
            other => {
                return Err(FaultKind::Refused(format!(
                    "opcode {}",
                    opcode::name(other)
                )));
            }
        }
        Ok(None)
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        let global = Global::find(module, name)
            .ok_or_else(|| FaultKind::Refused(format!("{module}.{name}")))?;
        self.push(Node::Global(global))
    }

    fn memorise(&mut self, key: u32) -> Step<()> {
        self.bound("memo entries of the pickle", self.memo.len())?;
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Step<()> {
        let id = *self
            .memo
            .get(&key)
            .ok_or_else(|| FaultKind::malformed(format!("no memo entry {key}")))?;
        self.push_id(id)
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        match &mut self.nodes[top as usize] {
            Node::List(list) => list.extend(items),
            other => {
                let found = other.describe();
                return Err(FaultKind::malformed(format!(
                    "{found} where a list must be"
                )));
            }
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Step<()> {
        let new = pairs(items)?;
        let top = self.top()?;
        match &mut self.nodes[top as usize] {
            Node::Dict { entries, .. } => entries.extend(new),
            other => {
                let found = other.describe();
                return Err(FaultKind::malformed(format!(
                    "{found} where a dict must be"
                )));
            }
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
        if count < MAX_NODES {
            Ok(())
        } else {
            Err(FaultKind::Limit(what, count as u64 + 1, MAX_NODES as u64))
        }
    }

    /// Counts what an opcode copies beyond its own bytes: a few of them could otherwise copy one large value for ever.
    fn count_copied(&mut self, count: usize) -> Step<()> {
        let limit = self.pickle.len().saturating_mul(16).saturating_add(1 << 24);
        self.num_copied = self.num_copied.saturating_add(count);
        if self.num_copied > limit {
            let (found, limit) = (self.num_copied as u64, limit as u64);
            return Err(FaultKind::Limit("copies within the pickle", found, limit));
        }
        Ok(())
    }

    /// The uppermost value above the last mark.
    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => Err(FaultKind::malformed("the stack is empty")),
        }
    }

    fn pop(&mut self) -> Step<Id> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_to_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| FaultKind::malformed("there is no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_text(&mut self) -> Step<String> {
        let id = self.pop()?;
        let text = match self.node(id) {
            Node::Str(text) => text.clone(),
            other => {
                let found = other.describe();
                return Err(FaultKind::malformed(format!(
                    "{found} where a name must be"
                )));
            }
        };
        self.count_copied(text.len())?;
        Ok(text)
    }
}

/// Keys and values that follow one another.
fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(FaultKind::malformed("a key without a value"));
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
