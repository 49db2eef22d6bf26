#![doc = include_str!("../README.md")]

mod annotations;
mod audit;
mod columns;
mod data;
mod detections;
mod evaluation;
mod features;
mod guard;
mod measures;
mod pth;
mod suppression;

use pyo3::prelude::*;

/// The compiled part of the package `tal`; its functions are called by the modules of `python/tal`.
#[pymodule]
fn _tal(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<annotations::Annotations>()?;
    module.add_class::<detections::Detections>()?;
    module.add_function(wrap_pyfunction!(annotations::factorize, module)?)?;
    module.add_function(wrap_pyfunction!(suppression::nms, module)?)?;
    module.add_function(wrap_pyfunction!(suppression::softnms, module)?)?;
    module.add_function(wrap_pyfunction!(suppression::soft_nms, module)?)?;
    module.add_function(wrap_pyfunction!(suppression::batched_nms, module)?)?;
    module.add_function(wrap_pyfunction!(suppression::seg_voting, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::average_recall, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::diagnosis, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::intervals, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::comparison, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::default_thresholds, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::average_precision, module)?)?;
    module.add_function(wrap_pyfunction!(measures::measure, module)?)?;
    module.add_function(wrap_pyfunction!(data::annotation_formats, module)?)?;
    module.add_function(wrap_pyfunction!(data::read_annotations, module)?)?;
    module.add_function(wrap_pyfunction!(data::write_annotations, module)?)?;
    module.add_function(wrap_pyfunction!(data::read_detections, module)?)?;
    module.add_function(wrap_pyfunction!(data::write_detections, module)?)?;
    module.add_function(wrap_pyfunction!(features::read_features, module)?)?;
    module.add_function(wrap_pyfunction!(features::write_features, module)?)?;
    module.add_function(wrap_pyfunction!(pth::load_pth, module)?)?;
    module.add_function(wrap_pyfunction!(audit::check_dataset, module)?)?;
    Ok(())
}
