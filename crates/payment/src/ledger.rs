//! Double-entry bookkeeping: a transaction that does not balance cannot be made.
//!
//! Entries are never changed. A correction is a further transaction.

use std::collections::BTreeMap;

use jobzy_money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// What an amount stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What Stripe holds for us.
    StripeBalance,
    /// What we owe the provider: the customer's money is the provider's from the start.
    ProviderPayable,
    /// Our commission without VAT.
    CommissionRevenue,
    /// VAT on our commission, owed to the state. The VAT of the provider's sale is the provider's.
    VatPayable,
    /// What Stripe keeps for its work.
    PspFee,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 5] =
        [Self::StripeBalance, Self::ProviderPayable, Self::CommissionRevenue, Self::VatPayable, Self::PspFee];

    /// The word used in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StripeBalance => "stripe_balance",
            Self::ProviderPayable => "provider_payable",
            Self::CommissionRevenue => "commission_revenue",
            Self::VatPayable => "vat_payable",
            Self::PspFee => "psp_fee",
        }
    }
}

/// Left or right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What comes in, and what is spent.
    Debit,
    /// What is owed, and what is earned.
    Credit,
}

impl Side {
    /// The word used in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }
}

/// One line of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub account: Account,
    /// Left or right.
    pub side: Side,
    /// Minor units, more than zero.
    pub amount_minor: i64,
}

impl Entry {
    /// A movement on `account`: debit where `minor` is positive, credit where it is negative, nothing at zero.
    #[must_use]
    pub const fn movement(account: Account, minor: i64) -> Option<Self> {
        let side = if minor > 0 { Side::Debit } else { Side::Credit };
        match minor.checked_abs() {
            Some(0) | None => None,
            Some(amount_minor) => Some(Self { account, side, amount_minor }),
        }
    }
}

/// Entries that belong together and balance. Only [`Transaction::new`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    reference: String,
    currency: Currency,
    entries: Vec<Entry>,
}

/// Why entries are no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Debits and credits differ.
    #[error("debits and credits differ by {0}")]
    Unbalanced(i128),
    /// Fewer than two entries, or one that moves nothing.
    #[error("a transaction needs at least two entries that each move something")]
    Empty,
}

impl Transaction {
    /// A transaction. The reference says what happened and is unique, so that nothing is booked twice.
    ///
    /// # Errors
    /// When debits and credits differ, or an entry moves nothing.
    pub fn new(reference: String, currency: Currency, entries: Vec<Entry>) -> Result<Self, LedgerError> {
        if entries.len() < 2 || entries.iter().any(|entry| entry.amount_minor <= 0) {
            return Err(LedgerError::Empty);
        }
        let difference: i128 = entries.iter().map(signed).fold(0, i128::saturating_add);
        if difference != 0 {
            return Err(LedgerError::Unbalanced(difference));
        }
        Ok(Self { reference, currency, entries })
    }

    /// What happened, unique.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The currency of every entry.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The lines, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// What stands on each account after these transactions: debits less credits.
#[must_use]
pub fn balances<'t>(transactions: impl IntoIterator<Item = &'t Transaction>) -> BTreeMap<Account, i128> {
    let mut balances = BTreeMap::new();
    for entry in transactions.into_iter().flat_map(Transaction::entries) {
        let balance = balances.entry(entry.account).or_insert(0_i128);
        *balance = balance.saturating_add(signed(entry));
    }
    balances.retain(|_, balance| *balance != 0);
    balances
}

/// The amount an account holds, for readers: `Money` where it fits.
#[must_use]
pub fn as_money(balance: i128, currency: Currency) -> Option<Money> {
    i64::try_from(balance).ok().map(|minor| Money { minor, currency })
}

fn signed(entry: &Entry) -> i128 {
    let amount = i128::from(entry.amount_minor);
    match entry.side {
        Side::Debit => amount,
        Side::Credit => amount.saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Entry, LedgerError, Transaction};
    use jobzy_money::Currency;

    fn make(movements: &[(Account, i64)]) -> Result<Transaction, LedgerError> {
        let entries =
            movements.iter().filter_map(|&(account, minor)| Entry::movement(account, minor)).collect();
        Transaction::new("capture:1".to_owned(), Currency::Eur, entries)
    }

    #[test]
    fn entries_that_do_not_balance_are_no_transaction() {
        use Account::{ProviderPayable, PspFee, StripeBalance};
        assert!(make(&[(StripeBalance, 100), (ProviderPayable, -100)]).is_ok());
        assert_eq!(make(&[(StripeBalance, 100), (ProviderPayable, -99)]), Err(LedgerError::Unbalanced(1)));
        assert_eq!(make(&[(StripeBalance, 100), (PspFee, 0)]), Err(LedgerError::Empty));
        assert_eq!(make(&[]), Err(LedgerError::Empty));
    }

    #[test]
    fn sums_beyond_64_bits_do_not_wrap_into_balance() {
        use Account::{ProviderPayable, StripeBalance};
        let huge =
            [(StripeBalance, i64::MAX), (StripeBalance, i64::MAX), (StripeBalance, 2), (ProviderPayable, -1)];
        assert!(matches!(make(&huge), Err(LedgerError::Unbalanced(_))));
    }
}
