//! Translation of the configuration files of other released codes.
//!
//! CLTDR-GMG, TriDet and ActionFormer share one layout of configuration files. [`import`] fills in the defaults of their code,
//! translates every key that has an effect there, adds the rules that their code applies to a data set without any key, and
//! reports everything that it could not translate.

mod dataset;
mod model;
mod report;
mod theirs;
mod training;

use std::path::PathBuf;

use serde_yaml::{Mapping, Value};

use tal_core::config::Preset;

use crate::ConfigError;
use crate::render::{block, without_preset};
use crate::source::parse_mapping;
use theirs::Theirs;

pub use report::{ImportReport, Remark, Translation};

/// A released code whose configuration files can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleasedCode {
    /// LiQiang0307/CLTDR-GMG.
    CltdrGmg,
    /// dingfengshi/TriDet.
    TriDet,
    /// happyharrycn/actionformer_release.
    ActionFormer,
}

impl ReleasedCode {
    /// All codes.
    pub const ALL: [Self; 3] = [Self::CltdrGmg, Self::TriDet, Self::ActionFormer];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::CltdrGmg => "cltdr-gmg",
            Self::TriDet => "tridet",
            Self::ActionFormer => "actionformer",
        }
    }

    fn defaults(self) -> &'static str {
        match self {
            Self::CltdrGmg | Self::TriDet => include_str!("defaults/cltdr_gmg.yaml"),
            Self::ActionFormer => include_str!("defaults/actionformer.yaml"),
        }
    }
}

impl std::fmt::Display for ReleasedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Options of an import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The code that the file belongs to; `None` detects it. Files of TriDet and CLTDR-GMG look alike: CLTDR-GMG is assumed.
    pub code: Option<ReleasedCode>,
    /// The folder at which the file's relative paths start; `None` keeps the paths as written.
    pub root: Option<PathBuf>,
}

/// An error in a file to translate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file is not YAML, or not a mapping.
    #[error(transparent)]
    Syntax(#[from] ConfigError),
    /// A value that their code would refuse too.
    #[error("{origin}: {key} is {value}, must be {allowed}")]
    Value {
        /// The file.
        origin: String,
        /// Their key.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A key without which their code does not run.
    #[error("{origin}: {key} is missing; it has no default in the code of {code}")]
    Missing {
        /// The file.
        origin: String,
        /// Their key.
        key: String,
        /// The code.
        code: ReleasedCode,
    },
    /// The file belongs to another code.
    #[error(
        "{origin}: {key} is {value:?}, which belongs to none of cltdr-gmg, tridet and actionformer; if one of these reads \
         the file nevertheless, name it with --code"
    )]
    Code {
        /// The file.
        origin: String,
        /// Their key.
        key: String,
        /// The value.
        value: String,
    },
}

/// A configuration belongs to the request.
impl tal_core::Usage for ImportError {
    fn is_usage(&self) -> bool {
        true
    }
}

/// A translated file.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The code that the file belongs to.
    pub code: ReleasedCode,
    /// Report on its keys.
    pub report: ImportReport,
    values: Mapping,
}

impl Imported {
    /// Our configuration file, with the values that differ from the preset `released`.
    pub fn to_yaml(&self) -> String {
        block(&without_preset(&self.values, Preset::Released), &|_, _| {
            None
        })
    }
}

/// Translates the text of a configuration file; `origin` names it in errors.
///
/// # Errors
/// If the file is not one of these codes or has values that its code refuses. Values that we cannot express are no errors:
/// [`ImportReport::unsupported`] lists them.
pub fn import(text: &str, origin: &str, options: &ImportOptions) -> Result<Imported, ImportError> {
    let file = parse_mapping(text, origin)?;
    let mut report = ImportReport::default();
    let code = match options.code {
        Some(code) => code,
        None => detect(&file, origin, &mut report)?,
    };
    let defaults = parse_mapping(code.defaults(), "").expect("the defaults are a mapping");
    let mut theirs = Theirs {
        origin: origin.to_owned(),
        code,
        root: options.root.clone(),
        file,
        defaults,
        seen: Vec::new(),
        values: Mapping::new(),
        report,
    };
    theirs.put("preset", "released");
    theirs.ignore("model_name", "names the class that their code builds");
    dataset::translate(&mut theirs)?;
    model::translate(&mut theirs)?;
    training::translate(&mut theirs)?;
    theirs.list_unknown();
    Ok(Imported {
        code,
        report: theirs.report,
        values: theirs.values,
    })
}

/// Detects the code that a file belongs to by keys and values that only one of them has.
fn detect(
    file: &Mapping,
    origin: &str,
    report: &mut ImportReport,
) -> Result<ReleasedCode, ImportError> {
    let model = file.get("model");
    let of_model = |key: &str| model.and_then(|model| model.get(key));
    let named = [
        ("model_name", file.get("model_name")),
        ("model.backbone_type", of_model("backbone_type")),
    ];
    let transformer = ["n_head", "n_mha_win_size", "use_rel_pe"];
    if transformer.iter().any(|key| of_model(key).is_some()) {
        return Ok(ReleasedCode::ActionFormer);
    }
    for (key, value) in named {
        match value.and_then(Value::as_str) {
            Some("LocPointTransformer" | "convTransformer") => {
                return Ok(ReleasedCode::ActionFormer);
            }
            None | Some("TriDet" | "SGP" | "conv") => {}
            Some(other) => {
                return Err(ImportError::Code {
                    origin: origin.to_owned(),
                    key: key.to_owned(),
                    value: other.to_owned(),
                });
            }
        }
    }
    report.notes.push(
        "read as a file of cltdr-gmg; files of tridet look the same: if it is one, say --code tridet"
            .to_owned(),
    );
    Ok(ReleasedCode::CltdrGmg)
}
