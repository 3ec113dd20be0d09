//! A number as JSON has it: whole or with a fraction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Argument;

/// A number, whole numbers kept whole. One that is not finite has no JSON form and is refused when it is published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// Any other.
    Fraction(f64),
}

impl Number {
    /// As the nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
        }
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Fraction(number as f64), Self::Whole)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Fraction(number)
    }
}

macro_rules! arguments {
    ($($type:ty as $wide:ty),+) => {
        $(impl Argument<Number> for $type {
            fn into_field(self) -> Number {
                Number::from(self as $wide)
            }
        })+
    };
}
arguments!(
    i32 as i64,
    i64 as i64,
    u32 as i64,
    u64 as u64,
    usize as u64,
    f32 as f64,
    f64 as f64
);
