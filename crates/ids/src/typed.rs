//! The ids: one type per kind of thing, so that a payment is never looked up by a job's id.

/// Why a text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix names another kind of thing, or none.
    #[error("an id beginning with `{expected}` is needed")]
    Prefix {
        /// The prefix of the kind asked for.
        expected: &'static str,
    },
    /// Behind the prefix must stand exactly 32 lower-case hexadecimal digits.
    #[error("`{expected}` must be followed by 32 lower-case hexadecimal digits")]
    Digits {
        /// The prefix of the kind asked for.
        expected: &'static str,
    },
}

fn parse(prefix: &'static str, text: &str) -> Result<[u8; 16], IdError> {
    let digits = text.strip_prefix(prefix).ok_or(IdError::Prefix { expected: prefix })?;
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != 32 || !digits.bytes().all(lower_hex) {
        return Err(IdError::Digits { expected: prefix });
    }
    let value = u128::from_str_radix(digits, 16).map_err(|_| IdError::Digits { expected: prefix })?;
    Ok(value.to_be_bytes())
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What stands before the digits on the wire.
            pub const PREFIX: &'static str = $prefix;

            /// A UUIDv7 made of the Unix time in milliseconds and ten random bytes.
            #[must_use]
            pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().into_bytes())
            }

            /// From the 16 bytes a database holds.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes a database holds.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{:032x}", $prefix, u128::from_be_bytes(self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

typed_ids! {
    /// A job: what a customer wants done.
    JobId = "job_";
    /// A payment: the money of one job.
    PaymentId = "pay_";
    /// One try to get a payment authorised.
    AttemptId = "att_";
    /// Money given back.
    RefundId = "ref_";
    /// An invoice.
    InvoiceId = "inv_";
    /// What the correlation service ties all ids of one story to.
    EntityId = "ent_";
    /// A provider of services.
    ProviderId = "prv_";
    /// An event.
    EventId = "evt_";
}

#[cfg(test)]
mod tests {
    use super::{IdError, JobId, PaymentId};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_survives_the_wire_and_the_database(ms in 0_u64..(1 << 48), random: [u8; 10]) {
            let id = JobId::new(ms, random);
            prop_assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
            prop_assert_eq!(JobId::from_bytes(*id.as_bytes()), id);
        }

        #[test]
        fn later_ids_sort_after_earlier_ones(ms in 0_u64..(1 << 47), a: [u8; 10], b: [u8; 10]) {
            prop_assert!(JobId::new(ms, a) < JobId::new(ms + 1, b));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
            let _ = text.parse::<JobId>();
        }
    }

    #[test]
    fn a_body_with_another_kind_of_id_is_refused() {
        use serde::Deserialize;
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StringDeserializer};
        let wire = |id: String| -> StringDeserializer<Error> { id.into_deserializer() };
        let job = JobId::new(1, [7; 10]);
        assert_eq!(JobId::deserialize(wire(job.to_string())), Ok(job));
        assert!(PaymentId::deserialize(wire(job.to_string())).is_err());
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7() {
        let bytes = *JobId::new(0x0123_4567_89ab, [0xff; 10]).as_bytes();
        assert_eq!(bytes[..6], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!((bytes[6] >> 4, bytes[8] >> 6), (7, 0b10));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let payment = PaymentId::new(0, [0; 10]).to_string();
        assert_eq!(payment.parse::<JobId>(), Err(IdError::Prefix { expected: "job_" }));
        let upper = format!("job_{}", "A".repeat(32));
        assert_eq!(upper.parse::<JobId>(), Err(IdError::Digits { expected: "job_" }));
        assert_eq!(
            "job_+0000000000000000000000000000000".parse::<JobId>(),
            Err(IdError::Digits { expected: "job_" })
        );
    }
}
