//! Declaration of sections and of the choices in them.

/// Declares sections and choices with the attributes that all of them have. If every field has a default behind its type,
/// as in `pub dim: usize = 512,`, these are the section's `Default`.
macro_rules! sections {
    () => {};
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty = $default:expr,)*
    } $($rest:tt)*) => {
        sections! {
            $(#[$meta])* pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
            $($rest)*
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    } $($rest:tt)*) => {
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
        sections! { $($rest)* }
    };
    ($(#[$meta:meta])* pub enum $name:ident { $($choices:tt)* } $($rest:tt)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        $(#[$meta])*
        pub enum $name { $($choices)* }
        sections! { $($rest)* }
    };
}
