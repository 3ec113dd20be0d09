//! One definition per type: struct, constructor, tag, fields, schema, validation and documentation come from it.
//!
//! ```text
//! /// What it is.
//! Name "event_tag" in Instance on "topic:{field}" by node {
//!     required { /// …
//!                field: Type as "other_name" => "example", }
//!     default  { field: Type = "value", }
//!     optional { field: Type, }
//!     filled   { field: Type = |stamp, message| …, }
//! }
//! ```
//!
//! `by node`: it has that field, filled with the publishing node. `raw`: none of the 36. `reads function`: brings other
//! shapes into this one. `timestamp` is in every type.

/// A message of the catalogue as a Rust type.
pub trait Message: serde::Serialize + serde::de::DeserializeOwned {
    /// What there is to know about it.
    const TYPE: &'static crate::MessageType;

    /// Fills in what the publisher left out and the node knows, or what follows from the rest.
    fn complete(&mut self, stamp: &crate::Stamp);

    /// Reads a payload, in the present or an older or newer shape.
    ///
    /// # Errors
    /// [`Invalid`](crate::Invalid) if it is no message of this type.
    fn read(payload: &[u8]) -> Result<Self, crate::Invalid> {
        let value = serde_json::from_slice(payload).map_err(|err| crate::Invalid::unreadable(&err))?;
        let value = Self::TYPE.validate(value)?;
        serde_json::from_value(value).map_err(|err| crate::Invalid::unreadable(&err))
    }
}

macro_rules! messages {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident $tag:literal in $instance:ident on $topic:literal
        $(by $by:ident)? $(raw $raw:literal)? $(reads $normalize:path)? {
            $(required { $(
                $(#[doc = $rdoc:literal])* $rfield:ident : $rtype:ty $(as $ralias:literal)* $(=> $rexample:tt)?
            ),+ $(,)? })?
            $(default { $(
                $(#[doc = $ddoc:literal])* $dfield:ident : $dtype:ty $(as $dalias:literal)* = $default:expr $(=> $dexample:tt)?
            ),+ $(,)? })?
            $(optional { $(
                $(#[doc = $odoc:literal])* $ofield:ident : $otype:ty $(as $oalias:literal)* $(=> $oexample:tt)?
            ),+ $(,)? })?
            $(filled { $(
                $(#[doc = $fdoc:literal])* $ffield:ident : $ftype:ty $(as $falias:literal)* = $filler:expr $(=> $fexample:tt)?
            ),+ $(,)? })?
        }
    )+) => {
        /// The types that are defined here.
        pub(crate) const TYPES: &[&$crate::MessageType] = &[$(<$name as $crate::Message>::TYPE),+];

        $(
        $(#[doc = $doc])*
        ///
        #[doc = concat!("Travels as `", $tag, "`, by default on `", $topic, "`.")]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($( $(#[doc = $rdoc])* pub $rfield: $rtype, )+)?
            $($( $(#[doc = $ddoc])* pub $dfield: $dtype, )+)?
            $($(
                $(#[doc = $odoc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $ofield: Option<$otype>,
            )+)?
            $($(
                $(#[doc = $fdoc])*
                ///
                /// Left out: filled in when it is published.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $ffield: Option<$ftype>,
            )+)?
            $(
                /// The node where it arose. Left out: the node that publishes it.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $by: Option<$crate::NodeName>,
            )?
            /// When it arose. Left out: when it is published.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub timestamp: Option<bellwether_message::Timestamp>,
            /// Fields that this version does not know, as they came.
            #[serde(flatten)]
            pub extra: $crate::field::Object,
        }

        impl $name {
            /// With what every publisher must say; the rest is set by the methods below, or left to be filled in.
            pub fn new($($( $rfield: impl $crate::field::Argument<$rtype> ),+)?) -> Self {
                Self {
                    $($( $rfield: $crate::field::Argument::into_field($rfield), )+)?
                    $($( $dfield: $crate::field::Argument::<$dtype>::into_field($default), )+)?
                    $($( $ofield: None, )+)?
                    $($( $ffield: None, )+)?
                    $( $by: None, )?
                    timestamp: None,
                    extra: $crate::field::Object::new(),
                }
            }

            $($(
                $(#[doc = $ddoc])*
                #[must_use]
                pub fn $dfield(mut self, $dfield: impl $crate::field::Argument<$dtype>) -> Self {
                    self.$dfield = $crate::field::Argument::into_field($dfield);
                    self
                }
            )+)?

            $($(
                $(#[doc = $odoc])*
                #[must_use]
                pub fn $ofield(mut self, $ofield: impl $crate::field::Argument<$otype>) -> Self {
                    self.$ofield = Some($crate::field::Argument::into_field($ofield));
                    self
                }
            )+)?

            $($(
                $(#[doc = $fdoc])*
                #[must_use]
                pub fn $ffield(mut self, $ffield: impl $crate::field::Argument<$ftype>) -> Self {
                    self.$ffield = Some($crate::field::Argument::into_field($ffield));
                    self
                }
            )+)?

            $(
                /// The node where it arose.
                #[must_use]
                pub fn $by(mut self, $by: impl $crate::field::Argument<$crate::NodeName>) -> Self {
                    self.$by = Some($crate::field::Argument::into_field($by));
                    self
                }
            )?

            /// When it arose.
            #[must_use]
            pub fn timestamp(mut self, timestamp: bellwether_message::Timestamp) -> Self {
                self.timestamp = Some(timestamp);
                self
            }
        }

        impl $crate::Message for $name {
            const TYPE: &'static $crate::MessageType = &$crate::MessageType {
                name: stringify!($name),
                tag: $tag,
                instance: bellwether_message::Instance::$instance,
                is_family: $crate::define::is_family!($($raw)?),
                topic: $topic,
                doc: concat!($($doc, "\n"),*),
                fields: &[
                    $($( $crate::field::Field {
                        name: $crate::define::json_name(stringify!($rfield)),
                        doc: concat!($($rdoc, "\n"),*),
                        kind: <$rtype as $crate::field::FieldType>::KIND,
                        presence: match <$rtype as $crate::field::FieldType>::IS_NULLABLE {
                            true => $crate::field::Presence::Nullable,
                            false => $crate::field::Presence::Required,
                        },
                        aliases: &[$($ralias),*],
                        example: $crate::define::example!($($rexample)?),
                        default: None,
                    }, )+)?
                    $($( $crate::field::Field {
                        name: $crate::define::json_name(stringify!($dfield)),
                        doc: concat!($($ddoc, "\n"),*),
                        kind: <$dtype as $crate::field::FieldType>::KIND,
                        presence: $crate::field::Presence::Optional,
                        aliases: &[$($dalias),*],
                        example: $crate::define::example!($($dexample)?),
                        default: Some(|| {
                            let value: $dtype = $crate::field::Argument::into_field($default);
                            serde_json::to_value(value).unwrap_or_default()
                        }),
                    }, )+)?
                    $($( $crate::field::Field {
                        name: $crate::define::json_name(stringify!($ofield)),
                        doc: concat!($($odoc, "\n"),*),
                        kind: <$otype as $crate::field::FieldType>::KIND,
                        presence: $crate::field::Presence::Optional,
                        aliases: &[$($oalias),*],
                        example: $crate::define::example!($($oexample)?),
                        default: None,
                    }, )+)?
                    $($( $crate::field::Field {
                        name: $crate::define::json_name(stringify!($ffield)),
                        doc: concat!($($fdoc, "\n"),*),
                        kind: <$ftype as $crate::field::FieldType>::KIND,
                        presence: $crate::field::Presence::Filled,
                        aliases: &[$($falias),*],
                        example: $crate::define::example!($($fexample)?),
                        default: None,
                    }, )+)?
                    $( $crate::field::Field {
                        name: stringify!($by),
                        doc: "The node where it arose.\n",
                        kind: $crate::field::Kind::Node,
                        presence: $crate::field::Presence::Filled,
                        aliases: &[],
                        example: None,
                        default: None,
                    }, )?
                    $crate::field::Field {
                        name: "timestamp",
                        doc: "When it arose.\n",
                        kind: $crate::field::Kind::Time,
                        presence: $crate::field::Presence::Filled,
                        aliases: &[],
                        example: None,
                        default: None,
                    },
                ],
                normalize: $crate::define::normalize!($($normalize)?),
                complete: |map, stamp| {
                    let mut message: $name = serde_json::from_value(serde_json::Value::Object(map))?;
                    $crate::Message::complete(&mut message, stamp);
                    serde_json::to_value(message)
                },
                read: |map| {
                    let message: $name = serde_json::from_value(serde_json::Value::Object(map))?;
                    serde_json::to_value(message)
                },
            };

            fn complete(&mut self, stamp: &$crate::Stamp) {
                $( self.$by.get_or_insert_with(|| stamp.node.clone()); )?
                self.timestamp.get_or_insert(stamp.now);
                $($(
                    if self.$ffield.is_none() {
                        let fill: fn(&$crate::Stamp, &Self) -> $ftype = $filler;
                        self.$ffield = Some(fill(stamp, self));
                    }
                )+)?
            }
        }
        )+
    };
}
pub(crate) use messages;

macro_rules! example {
    () => {
        None
    };
    ($example:tt) => {
        Some(|| serde_json::json!($example))
    };
}
pub(crate) use example;

macro_rules! normalize {
    () => {
        |_| {}
    };
    ($function:path) => {
        $function
    };
}
pub(crate) use normalize;

macro_rules! is_family {
    () => {
        true
    };
    ($raw:literal) => {
        false
    };
}
pub(crate) use is_family;

/// A Rust identifier without the `r#` of a keyword.
pub(crate) const fn json_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}
