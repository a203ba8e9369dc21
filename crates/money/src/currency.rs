//! The currencies amounts may be in, with the exponents of ISO 4217.

use std::fmt;
use std::str::FromStr;

use crate::MoneyError;

/// A currency. The ledger's base is the euro; the others exist where a payment may name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Currency {
    /// Euro.
    Eur,
    /// Swedish krona.
    Sek,
    /// Norwegian krone.
    Nok,
    /// Danish krone.
    Dkk,
    /// Pound sterling.
    Gbp,
    /// United States dollar.
    Usd,
    /// Japanese yen: no minor unit.
    Jpy,
    /// Kuwaiti dinar: three decimals.
    Kwd,
}

impl Currency {
    /// Every currency.
    pub const ALL: [Self; 8] =
        [Self::Eur, Self::Sek, Self::Nok, Self::Dkk, Self::Gbp, Self::Usd, Self::Jpy, Self::Kwd];

    /// The alphabetic code of ISO 4217.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Sek => "SEK",
            Self::Nok => "NOK",
            Self::Dkk => "DKK",
            Self::Gbp => "GBP",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
            Self::Kwd => "KWD",
        }
    }

    /// How many decimals the minor unit has (ISO 4217).
    #[must_use]
    pub const fn exponent(self) -> u32 {
        match self {
            Self::Jpy => 0,
            Self::Kwd => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::ALL.into_iter().find(|currency| currency.code() == code).ok_or(MoneyError::UnknownCurrency)
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Currency;
    use crate::MoneyError;
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    fn from_wire(code: &'static str) -> Result<Currency, Error> {
        let wire: StrDeserializer<'_, Error> = code.into_deserializer();
        Currency::deserialize(wire)
    }

    #[test]
    fn a_currency_is_its_code_in_upper_case_and_nothing_else() {
        for currency in Currency::ALL {
            assert_eq!(currency.to_string().parse(), Ok(currency));
            assert_eq!(from_wire(currency.code()), Ok(currency));
        }
        for code in ["eur", "EURO", "", "XXX"] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::UnknownCurrency), "{code:?}");
            assert!(from_wire(code).is_err(), "{code:?}");
        }
    }
}
