//! The calls that stand for data: dictionaries, tensors, storages and NumPy scalars.

use super::{FaultKind, Global, Id, Machine, Node, Step, pairs};
use crate::pth::TensorRef;

/// More dimensions than PyTorch itself allows.
const MAX_DIMS: usize = 64;
/// A broadcast view may have that many values beyond those of its storage.
const MAX_BROADCAST_VALUES: usize = 1 << 24;

impl Machine<'_, '_> {
    /// `REDUCE`: what Python would get by calling `function(*arguments)`.
    pub(super) fn reduce(&mut self, function: Id, arguments: Id) -> Step<()> {
        let function = match self.node(function) {
            Node::Global(global) => *global,
            other => {
                return Err(FaultKind::Refused(format!(
                    "a call of {}",
                    other.describe()
                )));
            }
        };
        let arguments = match self.node(arguments) {
            Node::Tuple(items) => items.clone(),
            other => {
                let found = other.describe();
                return Err(FaultKind::malformed(format!(
                    "{found} where arguments must be"
                )));
            }
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
                    other => {
                        let found = other.describe();
                        Err(FaultKind::malformed(format!("a parameter of {found}")))
                    }
                }
            }
            (Global::Encode, &[text, encoding]) => self.encode(text, encoding),
            (Global::Bytes, []) => self.push(Node::Bytes(Vec::new())),
            (Global::NumpyDtype, [name, ..]) => match self.node(*name) {
                Node::Str(name) => {
                    let name = name.clone();
                    self.count_copied(name.len())?;
                    self.push(Node::NumpyDtype {
                        name,
                        big_endian: false,
                    })
                }
                other => {
                    let found = other.describe();
                    Err(FaultKind::Refused(format!("numpy.dtype of {found}")))
                }
            },
            (Global::NumpyScalar, &[dtype, bytes]) => self.numpy_scalar(dtype, bytes),
            (function, arguments) => Err(FaultKind::Refused(format!(
                "a call of {} with {} arguments",
                function.describe(),
                arguments.len()
            ))),
        }
    }

    /// `BUILD`: attributes of an object. Those of an `OrderedDict` (PyTorch's version numbers) are dropped.
    pub(super) fn set_state(&mut self, object: Id, state: Id) -> Step<()> {
        match (self.node(object), self.node(state)) {
            (Node::Dict { ordered: true, .. }, Node::Dict { .. }) => Ok(()),
            (Node::NumpyDtype { .. }, Node::Tuple(items)) => {
                let order = items.get(1).map(|&id| self.node(id));
                let big = match order {
                    Some(Node::Str(order)) if order == "<" || order == "|" => false,
                    Some(Node::Str(order)) if order == ">" => true,
                    _ => {
                        return Err(FaultKind::Refused(
                            "numpy.dtype of unknown byte order".into(),
                        ));
                    }
                };
                if let Node::NumpyDtype { big_endian, .. } = &mut self.nodes[object as usize] {
                    *big_endian = big;
                }
                Ok(())
            }
            (object, _) => Err(FaultKind::Refused(format!(
                "attributes of {}",
                object.describe()
            ))),
        }
    }

    /// `BINPERSID`: `("storage", torch.FloatStorage, key, device, number of values)`.
    pub(super) fn persistent(&mut self, id: Id) -> Step<()> {
        let refused = |what: String| Err(FaultKind::Refused(what));
        let Node::Tuple(items) = self.node(id) else {
            return refused(format!(
                "a persistent id that is {}",
                self.node(id).describe()
            ));
        };
        let &[tag, class, key, _device, num_values] = items.as_slice() else {
            return refused(format!("a persistent id of {} parts", items.len()));
        };
        match self.node(tag) {
            Node::Str(tag) if tag == "storage" => {}
            other => return refused(format!("a persistent id of {}", other.describe())),
        }
        let dtype = match self.node(class) {
            Node::Global(Global::Storage(dtype)) => *dtype,
            other => return refused(format!("a storage of {}", other.describe())),
        };
        let Node::Str(key) = self.node(key) else {
            return Err(FaultKind::malformed("the key of a storage is no str"));
        };
        let key = key.clone();
        self.count_copied(key.len())?;
        let num_values = self.count(num_values)?;
        let fault = |reason: String| FaultKind::Storage(key.clone(), reason);
        let num_bytes = num_values
            .checked_mul(dtype.num_bytes())
            .ok_or_else(|| fault(format!("{num_values} values are too many")))?;
        let index = self.storages.index(&key, num_bytes).map_err(fault)?;
        self.push(Node::Storage {
            index,
            dtype,
            num_values,
        })
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
                    return Err(FaultKind::malformed(
                        "an entry of an OrderedDict is no pair",
                    ));
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
            Node::Storage {
                index,
                dtype,
                num_values,
            } => (*index, *dtype, *num_values),
            other => {
                let found = other.describe();
                return Err(FaultKind::malformed(format!("a tensor in {found}")));
            }
        };
        let offset = self.count(offset)?;
        let shape = self.sizes(shape)?;
        let strides = self.sizes(strides)?;
        self.count_copied(shape.len() + strides.len())?;
        if shape.len() != strides.len() {
            return Err(FaultKind::malformed(format!(
                "a tensor of {} dimensions with {} strides",
                shape.len(),
                strides.len()
            )));
        }
        let too_large = || FaultKind::malformed(format!("a tensor of the sizes {shape:?}"));
        // Sizes beside a zero count as well: their product must never overflow later.
        let product = shape
            .iter()
            .filter(|&&size| size > 0)
            .try_fold(dtype.num_bytes(), |product, &size| {
                product.checked_mul(size)
            })
            .ok_or_else(too_large)?;
        if !shape.contains(&0) {
            let last = shape
                .iter()
                .zip(&strides)
                .try_fold(offset, |last, (&size, &stride)| {
                    last.checked_add((size - 1).checked_mul(stride)?)
                })
                .ok_or_else(too_large)?;
            if last >= available {
                return Err(FaultKind::malformed(format!(
                    "a tensor of the sizes {shape:?}, strides {strides:?} and offset {offset} needs {} values, its \
                     storage has {available}",
                    last.saturating_add(1)
                )));
            }
            let num_values = product / dtype.num_bytes();
            let limit = available.max(MAX_BROADCAST_VALUES);
            if num_values > limit {
                return Err(FaultKind::Limit(
                    "values of a broadcast tensor",
                    num_values as u64,
                    limit as u64,
                ));
            }
        }
        self.push(Node::Tensor(TensorRef {
            dtype,
            shape,
            strides,
            offset,
            storage: index,
        }))
    }

    fn encode(&mut self, text: Id, encoding: Id) -> Step<()> {
        let (Node::Str(text), Node::Str(encoding)) = (self.node(text), self.node(encoding)) else {
            return Err(FaultKind::Refused("_codecs.encode of no str".into()));
        };
        if encoding != "latin1" {
            return Err(FaultKind::Refused(format!(
                "_codecs.encode to {encoding:?}"
            )));
        }
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let bytes = bytes.ok_or_else(|| FaultKind::malformed("text beyond latin1"))?;
        self.count_copied(bytes.len())?;
        self.push(Node::Bytes(bytes))
    }

    fn numpy_scalar(&mut self, dtype: Id, bytes: Id) -> Step<()> {
        let (name, big_endian) = match self.node(dtype) {
            Node::NumpyDtype { name, big_endian } => (name.clone(), *big_endian),
            other => {
                let found = other.describe();
                return Err(FaultKind::Refused(format!("a numpy scalar of {found}")));
            }
        };
        let mut bytes = match self.node(bytes) {
            Node::Bytes(bytes) => bytes.clone(),
            // How Python 2 writes bytes that happen to be text.
            Node::Str(text) => text.clone().into_bytes(),
            other => {
                let found = other.describe();
                return Err(FaultKind::Refused(format!("a numpy scalar from {found}")));
            }
        };
        if big_endian {
            bytes.reverse();
        }
        let len = bytes.len();
        self.count_copied(len)?;
        let wrong = |_| FaultKind::malformed(format!("a numpy scalar of {len} bytes"));
        let node = match name.as_str() {
            "f8" | "float64" => Node::Float(f64::from_le_bytes(bytes.try_into().map_err(wrong)?)),
            "f4" | "float32" => {
                Node::Float(f32::from_le_bytes(bytes.try_into().map_err(wrong)?).into())
            }
            "i8" | "int64" => Node::Int(i64::from_le_bytes(bytes.try_into().map_err(wrong)?)),
            other => {
                return Err(FaultKind::Refused(format!(
                    "a numpy scalar of the type {other:?} (f8, f4 and i8 are read)"
                )));
            }
        };
        self.push(node)
    }

    fn items(&self, id: Id) -> Step<Vec<Id>> {
        match self.node(id) {
            Node::List(items) | Node::Tuple(items) => Ok(items.clone()),
            other => {
                let found = other.describe();
                Err(FaultKind::malformed(format!(
                    "{found} where a list must be"
                )))
            }
        }
    }

    fn sizes(&self, id: Id) -> Step<Vec<usize>> {
        let items = self.items(id)?;
        if items.len() > MAX_DIMS {
            return Err(FaultKind::Limit(
                "dimensions of a tensor",
                items.len() as u64,
                MAX_DIMS as u64,
            ));
        }
        items.into_iter().map(|id| self.count(id)).collect()
    }

    fn count(&self, id: Id) -> Step<usize> {
        let found = match self.node(id) {
            Node::Int(value) => match usize::try_from(*value) {
                Ok(count) => return Ok(count),
                Err(_) => value.to_string(),
            },
            other => other.describe(),
        };
        Err(FaultKind::malformed(format!(
            "{found} where a count must be"
        )))
    }

    fn must_be_empty(&self, id: Id, what: &str) -> Step<()> {
        match self.node(id) {
            Node::None => Ok(()),
            Node::Dict { entries, .. } if entries.is_empty() => Ok(()),
            other => Err(FaultKind::Refused(format!("{what}: {}", other.describe()))),
        }
    }
}
