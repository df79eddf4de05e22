//! How a closed list of words is written down: each with a code for programs and a text in both languages for people.

/// A text is none of the words of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

/// Makes an enum of words, with `ALL`, `CODES`, `code`, `name`, `FromStr`, `Display` and serde by the code.
macro_rules! words {
    ($(#[$documentation:meta])+ $name:ident { $($(#[$meaning:meta])+ $variant:ident = $code:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$documentation])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$meaning])+ #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The codes, in the same order.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// The word as programs write it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The word as people read it.
            #[must_use]
            pub fn name(self) -> $crate::Name {
                match self {
                    $(Self::$variant => $crate::Name::new($zh, $en),)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                match text {
                    $($code => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.code())
            }
        }
    };
}

pub(crate) use words;
