//! Words: the closed and open enumerations of the catalogue.
//!
//! Strict when sending, lenient when receiving: a word that this version does not know is kept as it came.

use std::fmt::Debug;

/// An enumeration of the catalogue.
pub trait Word: Clone + Debug + PartialEq + Sized {
    /// The words as they travel, in the order of the catalogue.
    const WORDS: &'static [&'static str];
    /// Whether publishers may send other words too.
    const IS_OPEN: bool;

    /// The word as it travels.
    fn as_str(&self) -> &str;

    /// Any text: a known word, one of its other spellings, or that text.
    fn read(text: &str) -> Self;

    /// Whether the catalogue names the word.
    fn is_known(&self) -> bool {
        Self::WORDS.contains(&self.as_str())
    }
}

/// Defines enumerations: `Name { Variant "word" | "other spelling on input", … }`, or `open Name { … }`.
macro_rules! words {
    ($( $(#[doc = $doc:literal])* $(@$open:ident)? $name:ident {
        $( $variant:ident $word:literal $(| $spelling:literal)* ),+ $(,)?
    } )+) => { $(
        $(#[doc = $doc])*
        ///
        /// Text that is none of these is kept in `Other`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $word, "`.")]
                $variant,
            )+
            /// A word that this version does not know.
            Other(Box<str>),
        }

        impl $crate::word::Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];
            const IS_OPEN: bool = $crate::word::is_open!($($open)?);

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(text) => text,
                }
            }

            fn read(text: &str) -> Self {
                match text {
                    $($word $(| $spelling)* => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $crate::word::Word::read(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::word::Word::as_str(self))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::word::Word::as_str(self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Ok($crate::word::Word::read(&text))
            }
        }

        impl $crate::field::FieldType for $name {
            const KIND: $crate::field::Kind = $crate::field::Kind::Word {
                words: <Self as $crate::word::Word>::WORDS,
                is_open: <Self as $crate::word::Word>::IS_OPEN,
                read: |text| {
                    let word = <Self as $crate::word::Word>::read(text);
                    $crate::word::Word::is_known(&word)
                },
            };
        }

        impl $crate::field::Argument<$name> for &str {
            fn into_field(self) -> $name {
                $crate::word::Word::read(self)
            }
        }
    )+ };
}
pub(crate) use words;

macro_rules! is_open {
    () => {
        false
    };
    (open) => {
        true
    };
}
pub(crate) use is_open;
