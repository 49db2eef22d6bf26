//! Columns of a pickled data frame of pandas (versions 1 to 3).
//!
//! A data frame is a list of blocks of columns of one type, and for each block the places of its columns. Newer versions
//! write a block as a call of `_unpickle_block` with values, places and number of dimensions; older ones as a dictionary. The
//! names of the columns are an index of their own.

use std::borrow::Cow;

use tal_pth::{Object, PthFile, Value};

/// The cells of a column.
pub(super) enum Column {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Column {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// A cell as a number, also if it is written as a text.
    pub(super) fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Numbers(numbers) => numbers.get(row).copied(),
            Self::Texts(texts) => texts.get(row)?.trim().parse().ok(),
        }
    }

    /// A cell as a text; a whole number is shown without a point.
    pub(super) fn text(&self, row: usize) -> Cow<'_, str> {
        match self {
            Self::Numbers(numbers) => numbers[row].to_string().into(),
            Self::Texts(texts) => texts[row].as_str().into(),
        }
    }
}

/// A column of numbers or texts: a list, an array or a tensor with one dimension, or an array of pandas.
///
/// # Errors
/// What it is instead, as the end of a sentence.
pub(super) fn column(value: &Value, file: &PthFile) -> Result<Column, String> {
    let unknown = || {
        Err(format!(
            "is {}; expected a list, or an array with one dimension, of numbers or texts",
            value.describe()
        ))
    };
    match value {
        Value::Tensor(tensor) if tensor.shape.len() == 1 => {
            let data = file
                .tensor(tensor)
                .map_err(|error| format!("cannot be read: {error}"))?;
            Ok(Column::Numbers(data.to_f64()))
        }
        Value::List(items) | Value::Tuple(items) => {
            let texts: Option<Vec<String>> = items
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect();
            let numbers = || {
                items
                    .iter()
                    .map(Value::as_f64)
                    .collect::<Option<Vec<f64>>>()
            };
            match texts {
                Some(texts) => Ok(Column::Texts(texts)),
                None => numbers().map_or_else(unknown, |numbers| Ok(Column::Numbers(numbers))),
            }
        }
        Value::Object(_) => match (string_array(value), arrow_texts(value)) {
            (Some(values), _) => column(values, file),
            (None, Some(texts)) => Ok(Column::Texts(texts)),
            (None, None) => unknown(),
        },
        _ => unknown(),
    }
}

/// The values of an array of texts of pandas, kept as objects.
fn string_array(value: &Value) -> Option<&Value> {
    let object = value.as_object("__pyx_unpickle_NDArrayBacked")?;
    let parts = object.state.as_items()?;
    parts.iter().find(|part| matches!(part, Value::List(_)))
}

/// The values of an array of texts of pandas, kept in PyArrow's layout: ends of the texts, and the texts in one piece.
fn arrow_texts(value: &Value) -> Option<Vec<String>> {
    let array = value
        .as_object("ArrowStringArray")?
        .state
        .get("_pa_array")?;
    let chunks = match array.as_object("chunked_array") {
        Some(chunked) => chunked.arguments.first()?.as_items()?,
        None => std::slice::from_ref(array),
    };
    let mut texts = Vec::new();
    for chunk in chunks {
        let parts = chunk
            .as_object("_restore_array")?
            .arguments
            .first()?
            .as_items()?;
        let [kind, num, num_missing, skipped, buffers, ..] = parts else {
            return None;
        };
        let width = match kind
            .as_object("type_for_alias")?
            .arguments
            .first()?
            .as_str()?
        {
            "large_string" | "large_utf8" => 8,
            "string" | "utf8" => 4,
            _ => return None,
        };
        let num = usize::try_from(num.as_i64()?).ok()?;
        let skipped = usize::try_from(skipped.as_i64()?).ok()?;
        if num_missing.as_i64()? != 0 || num == 0 {
            // A missing text is no id, and an empty array may have no buffers.
            if num == 0 {
                continue;
            }
            return None;
        }
        let bytes = |buffer: &Value| match buffer.as_object("py_buffer")?.arguments.first()? {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        };
        let [_, ends, data] = buffers.as_items()? else {
            return None;
        };
        let (ends, data) = (bytes(ends)?, bytes(data)?);
        let end = |index: usize| -> Option<usize> {
            let at = index.checked_mul(width)?;
            let bytes = ends.get(at..at.checked_add(width)?)?;
            let end = match bytes.len() {
                8 => i64::from_le_bytes(bytes.try_into().ok()?),
                _ => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            };
            end.try_into().ok()
        };
        for index in skipped..skipped.checked_add(num)? {
            let text = data.get(end(index)?..end(index + 1)?)?;
            texts.push(std::str::from_utf8(text).ok()?.to_owned());
        }
    }
    Some(texts)
}

/// Names and cells of all columns.
///
/// # Errors
/// The part that is not as pandas writes it.
pub(super) fn columns(frame: &Object, file: &PthFile) -> Result<Vec<(String, Column)>, String> {
    let manager = ["_mgr", "_data"]
        .iter()
        .find_map(|name| frame.state.get(name)?.as_object("BlockManager"))
        .ok_or("the data frame has no table of blocks, as pandas 1 to 3 write it")?;
    let (blocks, axes) = parts(manager).ok_or("the data frame has blocks of an unknown form")?;
    let names = axes.first().and_then(index_names);
    let names = names.ok_or("the columns of the data frame have no names")?;
    let mut columns: Vec<Option<Column>> = names.iter().map(|_| None).collect();
    for (values, places) in blocks {
        let places =
            self::places(places, file).ok_or("a block does not say which columns it has")?;
        for (row, place) in places.into_iter().enumerate() {
            let name = names
                .get(place)
                .ok_or("a block has more columns than there are names")?;
            let column = of_block(values, row, file)
                .map_err(|found| format!("column {name:?} of the data frame {found}"))?;
            columns[place] = Some(column);
        }
    }
    let all = names.into_iter().zip(columns);
    Ok(all
        .filter_map(|(name, column)| Some((name, column?)))
        .collect())
}

type Blocks<'a> = Vec<(&'a Value, &'a Value)>;

/// The blocks, as values and places, and the axes.
fn parts(manager: &Object) -> Option<(Blocks<'_>, &[Value])> {
    if let [blocks, axes] = manager.arguments.as_slice() {
        let blocks = blocks.as_items()?.iter().map(|block| {
            let block = block
                .as_object("_unpickle_block")
                .or_else(|| block.as_object("new_block"))?;
            match block.arguments.as_slice() {
                [values, places, ..] => Some((values, places)),
                _ => None,
            }
        });
        return Some((blocks.collect::<Option<_>>()?, axes.as_items()?));
    }
    // Before pandas 1.3.
    let state = manager.state.as_items()?.last()?.get("0.14.1")?;
    let blocks = state.get("blocks")?.as_items()?.iter();
    let blocks = blocks.map(|block| Some((block.get("values")?, block.get("mgr_locs")?)));
    Some((
        blocks.collect::<Option<_>>()?,
        state.get("axes")?.as_items()?,
    ))
}

/// The names of an index.
fn index_names(index: &Value) -> Option<Vec<String>> {
    let index = index.as_object("_new_Index")?;
    let data = index.arguments.get(1)?.get("data")?;
    if let Some(names) = arrow_texts(data) {
        return Some(names);
    }
    let names = string_array(data).unwrap_or(data).as_items()?;
    names
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// The places of the columns of a block: a slice or an array.
fn places(places: &Value, file: &PthFile) -> Option<Vec<usize>> {
    // A table of detections has a handful of columns.
    const MAX_COLUMNS: i64 = 10_000;
    if let Value::Tensor(tensor) = places {
        let places = file.tensor(tensor).ok()?.as_i64().ok()?;
        return places
            .into_iter()
            .map(|place| place.try_into().ok())
            .collect();
    }
    match places.as_object("slice")?.arguments.as_slice() {
        [start, end, step] => {
            let (start, end) = (start.as_i64()?, end.as_i64()?);
            let step = step.as_i64().unwrap_or(1);
            let is_sane = step > 0 && start >= 0 && end <= MAX_COLUMNS;
            is_sane.then(|| {
                (start..end)
                    .step_by(step as usize)
                    .map(|place| place as usize)
                    .collect()
            })
        }
        _ => None,
    }
}

/// Column `row` of a block, in which columns are rows.
fn of_block(values: &Value, row: usize, file: &PthFile) -> Result<Column, String> {
    match values {
        Value::Tensor(block) if block.shape.len() == 2 => {
            let row = block.row(row).ok_or("is not in its block")?;
            column(&Value::Tensor(row), file)
        }
        Value::List(rows) if matches!(rows.first(), Some(Value::List(_))) => match rows.get(row) {
            Some(values) => column(values, file),
            None => Err("is not in its block".to_owned()),
        },
        // An array of pandas is a block of one column.
        values => column(values, file),
    }
}
