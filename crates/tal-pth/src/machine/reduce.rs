//! Calls that mean data: dictionaries, tensors, storages and NumPy scalars.

use std::sync::Arc;

use super::numpy::num_bytes_beside_zeros;
use super::{
    FaultKind, Global, Id, Machine, Node, Step, StorageRef, at_most, malformed, pairs, refused,
};
use crate::{TensorRef, legacy};

/// More dimensions than PyTorch itself allows.
const MAX_DIMS: usize = 64;
/// A broadcast view may have that many values beyond those of its storage.
const MAX_BROADCAST_VALUES: usize = 1 << 24;

impl Machine<'_, '_> {
    /// `REDUCE`: what Python would get by calling `function(*arguments)`.
    pub(super) fn reduce(&mut self, function: Id, arguments: Id) -> Step<()> {
        let function = match self.node(function) {
            Node::Global(global) => *global,
            other => return refused(format!("a call of {other}")),
        };
        let arguments = match self.node(arguments) {
            Node::Tuple(items) => items.clone(),
            other => return malformed(format!("{other} where arguments must be")),
        };
        self.count_copied(arguments.len())?;
        match (function, arguments.as_slice()) {
            (Global::OrderedDict, items @ ([] | [_])) => self.ordered_dict(items.first().copied()),
            (Global::Size, &[sizes]) => {
                self.sizes(sizes)?;
                self.push_id(sizes)
            }
            (Global::RebuildTensor, &[storage, offset, shape, strides, _, hooks]) => {
                self.tensor(storage, offset, shape, strides, hooks)
            }
            // Later versions add metadata: flags of lazy conjugation and negation, which are not computed here.
            (Global::RebuildTensor, &[storage, offset, shape, strides, _, hooks, metadata]) => {
                self.must_be_empty(metadata, "metadata of a tensor")?;
                self.tensor(storage, offset, shape, strides, hooks)
            }
            (Global::RebuildParameter, &[tensor, _, hooks]) => {
                self.must_be_empty(hooks, "hooks of a parameter")?;
                match self.node(tensor) {
                    Node::Tensor(_) => self.push_id(tensor),
                    other => malformed(format!("a parameter of {other}")),
                }
            }
            (Global::Encode, &[text, encoding]) => self.encode(text, encoding),
            (Global::Bytes, []) => self.push(Node::Bytes(Arc::default())),
            (Global::Bytes, &[bytes]) if matches!(self.node(bytes), Node::Bytes(_)) => {
                self.push_id(bytes)
            }
            (Global::NumpyDtype, &[name, ..]) => self.numpy_dtype(name),
            (Global::NumpyScalar, &[dtype, bytes]) => self.numpy_scalar(dtype, bytes),
            (Global::NumpyReconstruct, &[class, _, _]) => match self.node(class) {
                Node::Global(Global::NumpyArray) => self.push(Node::NumpyArray),
                other => refused(format!("a numpy array of the class {other}")),
            },
            (Global::NumpyFromBuffer, &[buffer, dtype, shape, order]) => {
                let fortran = match self.node(order) {
                    Node::Str(order) if order == "C" => false,
                    Node::Str(order) if order == "F" => true,
                    other => return malformed(format!("the order of an array: {other}")),
                };
                let tensor = self.numpy_array(shape, dtype, fortran, buffer)?;
                self.push(tensor)
            }
            (Global::LoadFromBytes, &[bytes]) => self.load_from_bytes(bytes),
            (Global::Table(class), arguments) => self.push(Node::Object {
                class,
                arguments: arguments.to_vec(),
                state: None,
            }),
            (function, arguments) => {
                let count = arguments.len();
                refused(format!("a call of {function} with {count} arguments"))
            }
        }
    }

    /// Whether the value below the top is a class of pandas tables.
    pub(super) fn describes_table(&self) -> bool {
        let class = self
            .stack
            .len()
            .checked_sub(2)
            .map(|place| self.stack[place]);
        class.is_some_and(|id| matches!(self.node(id), Node::Global(Global::Table(_))))
    }

    /// `BUILD`: attributes of an object. Those of an `OrderedDict` (PyTorch's version numbers) are dropped.
    pub(super) fn set_state(&mut self, object: Id, state: Id) -> Step<()> {
        match (self.node(object), self.node(state)) {
            (Node::Dict { ordered: true, .. }, Node::Dict { .. }) => Ok(()),
            (Node::NumpyDtype { .. }, Node::Tuple(_)) => self.numpy_dtype_state(object, state),
            (Node::Object { .. }, _) => {
                if let Node::Object { state: place, .. } = &mut self.nodes[object as usize] {
                    *place = Some(state);
                }
                Ok(())
            }
            (Node::NumpyArray, Node::Tuple(items)) => match *items.as_slice() {
                [_version, shape, dtype, fortran, data] => {
                    let fortran = matches!(self.node(fortran), Node::Bool(true));
                    let tensor = self.numpy_array(shape, dtype, fortran, data)?;
                    self.nodes[object as usize] = tensor;
                    Ok(())
                }
                _ => malformed(format!(
                    "the state of a numpy array has {} parts instead of 5",
                    items.len()
                )),
            },
            (object, _) => refused(format!("attributes of {object}")),
        }
    }

    /// `BINPERSID`: `("storage", torch.FloatStorage, key, device, number of values)`.
    pub(super) fn persistent(&mut self, id: Id) -> Step<()> {
        let items = match self.node(id) {
            Node::Tuple(items) => items,
            other => return refused(format!("a persistent id that is {other}")),
        };
        let (tag, class, key, num_values) = match *items.as_slice() {
            [tag, class, key, _device, num_values] => (tag, class, key, num_values),
            // Before archives there was a sixth part for views, which PyTorch stopped to write in 0.4.
            [tag, class, key, _device, num_values, view] => match self.node(view) {
                Node::None => (tag, class, key, num_values),
                _ => return refused("a view of a storage"),
            },
            _ => return refused(format!("a persistent id of {} parts", items.len())),
        };
        match self.node(tag) {
            Node::Str(tag) if tag == "storage" => {}
            other => return refused(format!("a persistent id of {other}")),
        }
        let dtype = match self.node(class) {
            Node::Global(Global::Storage(dtype)) => *dtype,
            other => return refused(format!("a storage of {other}")),
        };
        let Node::Str(key) = self.node(key) else {
            return malformed("the key of a storage is not a str");
        };
        let key = key.clone();
        self.count_copied(key.len())?;
        let num_values = self.count(num_values)?;
        let index = self
            .storages
            .index(&key, num_values, dtype.num_bytes())
            .map_err(|reason| FaultKind::Storage(key, reason))?;
        self.push(Node::Storage(StorageRef {
            index,
            dtype,
            num_values,
        }))
    }

    fn ordered_dict(&mut self, items: Option<Id>) -> Step<()> {
        let mut entries = Vec::new();
        if let Some(items) = items {
            let items = self.items(items)?;
            self.count_copied(items.len())?;
            for item in items {
                let pair = self.items(item)?;
                self.count_copied(pair.len())?;
                if pair.len() != 2 {
                    return malformed("an entry of an OrderedDict is not a pair");
                }
                entries.extend(pairs(&pair)?);
            }
        }
        self.push(Node::Dict {
            ordered: true,
            entries,
        })
    }

    fn tensor(&mut self, storage: Id, offset: Id, shape: Id, strides: Id, hooks: Id) -> Step<()> {
        self.must_be_empty(hooks, "hooks of a tensor")?;
        let (index, dtype, available) = match self.node(storage) {
            Node::Storage(storage) => (storage.index, storage.dtype, storage.num_values),
            other => return malformed(format!("a tensor in {other}")),
        };
        let offset = self.count(offset)?;
        let shape = self.sizes(shape)?;
        let strides = self.sizes(strides)?;
        self.count_copied(shape.len() + strides.len())?;
        if shape.len() != strides.len() {
            let (num_dims, num_strides) = (shape.len(), strides.len());
            let reason = format!("a tensor of {num_dims} dimensions with {num_strides} strides");
            return malformed(reason);
        }
        let too_large = || FaultKind::Malformed(format!("a tensor of the sizes {shape:?}"));
        let product = num_bytes_beside_zeros(&shape, dtype).ok_or_else(too_large)?;
        if !shape.contains(&0) {
            let last = shape
                .iter()
                .zip(&strides)
                .try_fold(offset, |last, (&size, &stride)| {
                    last.checked_add((size - 1).checked_mul(stride)?)
                })
                .ok_or_else(too_large)?;
            if last >= available {
                return malformed(format!(
                    "a tensor of the sizes {shape:?}, strides {strides:?} and offset {offset} needs {} values, its \
                     storage has {available}",
                    last.saturating_add(1)
                ));
            }
            let num_values = product / dtype.num_bytes();
            let limit = available.max(MAX_BROADCAST_VALUES);
            at_most("values of a broadcast tensor", num_values, limit)?;
        }
        self.push(Node::Tensor(TensorRef {
            dtype,
            shape,
            strides,
            offset,
            storage: index,
        }))
    }

    /// The storage in a stream of its own, the format of `torch.save` before 1.6.
    fn load_from_bytes(&mut self, bytes: Id) -> Step<()> {
        let bytes = match self.node(bytes) {
            Node::Bytes(bytes) => Arc::clone(bytes),
            other => return malformed(format!("a storage in {other}")),
        };
        if self.storages.nested {
            return refused("a storage within a storage");
        }
        let (storage, start, big_endian) = legacy::storage(&bytes).map_err(|fault| fault.kind)?;
        let width = storage.dtype.num_bytes();
        let num_bytes = storage.num_values * width;
        let index = self
            .storages
            .memory(bytes, start, num_bytes, width, big_endian);
        self.push(Node::Storage(StorageRef { index, ..storage }))
    }

    fn encode(&mut self, text: Id, encoding: Id) -> Step<()> {
        let (Node::Str(text), Node::Str(encoding)) = (self.node(text), self.node(encoding)) else {
            return refused("_codecs.encode of no str");
        };
        if encoding != "latin1" {
            return refused(format!("_codecs.encode to {encoding:?}"));
        }
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let Some(bytes) = bytes else {
            return malformed("text beyond latin1");
        };
        self.count_copied(bytes.len())?;
        self.push(Node::Bytes(Arc::new(bytes)))
    }

    fn items(&self, id: Id) -> Step<Vec<Id>> {
        match self.node(id) {
            Node::List(items) | Node::Tuple(items) => Ok(items.clone()),
            other => malformed(format!("{other} where a list must be")),
        }
    }

    pub(super) fn sizes(&self, id: Id) -> Step<Vec<usize>> {
        let items = self.items(id)?;
        at_most("dimensions of a tensor", items.len(), MAX_DIMS)?;
        items.into_iter().map(|id| self.count(id)).collect()
    }

    fn count(&self, id: Id) -> Step<usize> {
        let found = match self.node(id) {
            Node::Int(value) => match usize::try_from(*value) {
                Ok(count) => return Ok(count),
                Err(_) => value.to_string(),
            },
            other => other.to_string(),
        };
        malformed(format!("{found} where a count must be"))
    }

    fn must_be_empty(&self, id: Id, what: &str) -> Step<()> {
        match self.node(id) {
            Node::None => Ok(()),
            Node::Dict { entries, .. } if entries.is_empty() => Ok(()),
            other => refused(format!("{what}: {other}")),
        }
    }
}
