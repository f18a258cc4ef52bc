//! Enums whose values have names that others rely on: in the database, in answers, in files. One list
//! gives the names, and everything that reads or writes them follows.

/// A name that none of the enum's values has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind}: {text}")]
pub struct UnknownName {
    kind: &'static str,
    text: String,
}

impl UnknownName {
    /// `text`, which names no `kind`.
    pub fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.to_owned() }
    }
}

/// Declares an enum by its values and their names. It gets `ALL`, `as_str`, `FromStr`, serde by name, and
/// its schema.
macro_rules! text_enum {
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($derived:ident),+)])?
        pub enum $name:ident {
            $($(#[$of_value:meta])* $value:ident = $text:literal,)+
        }
    ) => {
        $(#[doc = $doc])+
        $(#[derive($($derived),+)])?
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$of_value])* #[serde(rename = $text)] $value,)+
        }

        impl $name {
            /// Every value, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The value's name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }

        // Not derived: what is derived inside a macro takes the values' names in Rust.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let description = concat!($($doc),+).trim();
                let text = utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some(description));
                text.enum_values(Some([$($text),+])).build().into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$value),)+
                    _ => Err($crate::domain::UnknownName::new(stringify!($name), text)),
                }
            }
        }
    };
}

pub(crate) use text_enum;
