//! NumPy's types, scalars and arrays.

use std::sync::Arc;

use super::{FaultKind, Id, Machine, Node, Step, malformed, refused};
use crate::{DType, TensorRef};

/// Bytes of all values, a size of zero left out: no later product of the sizes can overflow then.
pub(super) fn num_bytes_beside_zeros(shape: &[usize], dtype: DType) -> Option<usize> {
    shape
        .iter()
        .filter(|&&size| size > 0)
        .try_fold(dtype.num_bytes(), |product, &size| {
            product.checked_mul(size)
        })
}

impl Machine<'_, '_> {
    pub(super) fn numpy_dtype(&mut self, name: Id) -> Step<()> {
        let name = match self.node(name) {
            Node::Str(name) => name.clone(),
            other => return refused(format!("numpy.dtype of {other}")),
        };
        self.count_copied(name.len())?;
        self.push(Node::NumpyDtype {
            name,
            big_endian: false,
        })
    }

    pub(super) fn numpy_dtype_state(&mut self, object: Id, state: Id) -> Step<()> {
        let order = match self.node(state) {
            Node::Tuple(items) => items.get(1).map(|&id| self.node(id)),
            _ => None,
        };
        let big = match order {
            Some(Node::Str(order)) if order == "<" || order == "|" => false,
            Some(Node::Str(order)) if order == ">" => true,
            _ => return refused("numpy.dtype of unknown byte order"),
        };
        if let Node::NumpyDtype { big_endian, .. } = &mut self.nodes[object as usize] {
            *big_endian = big;
        }
        Ok(())
    }

    pub(super) fn numpy_scalar(&mut self, dtype: Id, bytes: Id) -> Step<()> {
        let (name, big_endian) = match self.node(dtype) {
            Node::NumpyDtype { name, big_endian } => (name.clone(), *big_endian),
            other => return refused(format!("a numpy scalar of {other}")),
        };
        let mut bytes = self.buffer("a numpy scalar", bytes)?.to_vec();
        if big_endian {
            bytes.reverse();
        }
        let len = bytes.len();
        self.count_copied(len)?;
        let wrong = |_| FaultKind::Malformed(format!("a numpy scalar of {len} bytes"));
        let node = match name.as_str() {
            "f8" | "float64" => Node::Float(f64::from_le_bytes(bytes.try_into().map_err(wrong)?)),
            "f4" | "float32" => {
                Node::Float(f32::from_le_bytes(bytes.try_into().map_err(wrong)?).into())
            }
            "i8" | "int64" => Node::Int(i64::from_le_bytes(bytes.try_into().map_err(wrong)?)),
            other => {
                let reason = "(f8, f4 and i8 are read)";
                return refused(format!("a numpy scalar of the type {other:?} {reason}"));
            }
        };
        self.push(node)
    }

    /// The bytes that a scalar or an array is made of.
    fn buffer(&self, what: &str, data: Id) -> Step<Arc<Vec<u8>>> {
        match self.node(data) {
            Node::Bytes(bytes) => Ok(Arc::clone(bytes)),
            // How Python 2 writes bytes that happen to be text.
            Node::Str(text) => Ok(Arc::new(text.clone().into_bytes())),
            other => refused(format!("{what} from {other}")),
        }
    }

    /// An array as a tensor in a storage of its own.
    pub(super) fn numpy_array(
        &mut self,
        shape: Id,
        dtype: Id,
        fortran: bool,
        data: Id,
    ) -> Step<Node> {
        let (dtype, big_endian) = match self.node(dtype) {
            Node::NumpyDtype { name, .. } if name == "O8" || name == "O4" || name == "O" => {
                return self.numpy_list(shape, fortran, data);
            }
            Node::NumpyDtype { name, big_endian } if name.starts_with('U') => {
                let (num_chars, big_endian) = (name[1..].parse().unwrap_or(0), *big_endian);
                let texts = self.numpy_texts(num_chars, big_endian, data)?;
                return self.numpy_list(shape, fortran, texts);
            }
            Node::NumpyDtype { name, big_endian } => match DType::of_numpy(name) {
                Some(dtype) => (dtype, *big_endian),
                None => return refused(format!("a numpy array of the type {name:?}")),
            },
            other => return refused(format!("a numpy array of {other}")),
        };
        let shape = self.sizes(shape)?;
        self.count_copied(shape.len())?;
        let bytes = self.buffer("a numpy array", data)?;
        if let Node::Str(_) = self.node(data) {
            self.count_copied(bytes.len())?;
        }
        let found = bytes.len();
        let num_bytes = match num_bytes_beside_zeros(&shape, dtype) {
            Some(_) if shape.contains(&0) && found == 0 => 0,
            Some(num_bytes) if !shape.contains(&0) && found == num_bytes => num_bytes,
            _ => {
                return malformed(format!(
                    "a numpy array of the sizes {shape:?} in {found} bytes"
                ));
            }
        };
        let mut strides = vec![1; shape.len()];
        let mut step = 1;
        let mut assign = |dim: usize| {
            strides[dim] = step;
            step *= shape[dim].max(1);
        };
        if fortran {
            (0..shape.len()).for_each(&mut assign);
        } else {
            (0..shape.len()).rev().for_each(&mut assign);
        }
        let width = dtype.num_bytes();
        let storage = self.storages.memory(bytes, 0, num_bytes, width, big_endian);
        Ok(Node::Tensor(TensorRef {
            dtype,
            shape,
            strides,
            offset: 0,
            storage,
        }))
    }

    /// An array of objects or texts as a list, or, with two dimensions, as a list of its rows. `data` is a list of all values.
    fn numpy_list(&mut self, shape: Id, fortran: bool, data: Id) -> Step<Node> {
        let shape = self.sizes(shape)?;
        let values = match self.node(data) {
            Node::List(values) => values.clone(),
            other => return refused(format!("a numpy array of objects from {other}")),
        };
        self.count_copied(values.len() + shape.len())?;
        let wrong = || {
            FaultKind::Malformed(format!(
                "a numpy array of the sizes {shape:?} with {} values",
                values.len()
            ))
        };
        match shape[..] {
            [num] if num == values.len() => Ok(Node::List(values)),
            [rows, columns] if rows.checked_mul(columns) == Some(values.len()) => {
                // Each row costs a value, even if it is empty.
                self.bound(
                    "values in the pickle",
                    self.nodes.len().saturating_add(rows),
                )?;
                let first = self.nodes.len() as Id;
                for row in 0..rows {
                    let place = |column| match fortran {
                        true => column * rows + row,
                        false => row * columns + column,
                    };
                    let row = (0..columns).map(|column| values[place(column)]).collect();
                    self.nodes.push(Node::List(row));
                }
                Ok(Node::List((first..first + rows as Id).collect()))
            }
            [_] | [_, _] => Err(wrong()),
            _ => refused(format!(
                "a numpy array of objects with {} dimensions",
                shape.len()
            )),
        }
    }

    /// The texts of an array of texts of `num_chars` characters, four bytes each, as a list.
    fn numpy_texts(&mut self, num_chars: usize, big_endian: bool, data: Id) -> Step<Id> {
        let bytes = match self.node(data) {
            Node::Bytes(bytes) => Arc::clone(bytes),
            other => return refused(format!("a numpy array of texts from {other}")),
        };
        let width = num_chars.saturating_mul(4).max(1);
        let wrong = || {
            FaultKind::Malformed(format!(
                "a numpy array of texts of {num_chars} characters in {} bytes",
                bytes.len()
            ))
        };
        if num_chars == 0 || bytes.len() % width != 0 {
            return Err(wrong());
        }
        self.count_copied(bytes.len())?;
        self.bound(
            "values in the pickle",
            self.nodes.len() + bytes.len() / width,
        )?;
        let mut texts = Vec::with_capacity(bytes.len() / width);
        for text in bytes.chunks_exact(width) {
            let (chars, _) = text.as_chunks::<4>();
            let chars = chars.iter().map(|char| match big_endian {
                true => u32::from_be_bytes(*char),
                false => u32::from_le_bytes(*char),
            });
            let text: Option<String> = chars.map(char::from_u32).collect();
            let text = text.ok_or_else(wrong)?.trim_end_matches('\0').to_owned();
            texts.push(self.nodes.len() as Id);
            self.nodes.push(Node::Str(text));
        }
        self.nodes.push(Node::List(texts));
        Ok(self.nodes.len() as Id - 1)
    }
}
