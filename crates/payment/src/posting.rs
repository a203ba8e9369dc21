//! From what happened to the money to ledger transactions.
//!
//! Holding money moves none. Taking and giving back are booked as the difference between two positions:
//! what the accounts must show is a function of captured less refunded, so a history in any order ends on
//! the same balances, and refunds that sum to the whole leave not a cent behind.
//!
//! Agency (the provider is the seller, we mediate), 150.00 captured, commission 15 % VAT included at 25.5 %:
//!
//! ```text
//! stripe_balance     D 150.00
//! provider_payable            C 127.50
//! commission_revenue          C  17.93
//! vat_payable                 C   4.57
//! ```

use jobzy_money::{Currency, MoneyError, Rate, allocate};

use crate::ledger::{Account, Entry, LedgerError, Transaction};

/// What a payment's postings depend on, fixed when it is captured: a refund a year later is booked at
/// the rates of the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Of the gross price, VAT on it included.
    pub commission: Rate,
    /// On the commission.
    pub vat: Rate,
    /// Of every amount.
    pub currency: Currency,
}

/// How much was taken and given back so far, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Taken.
    pub captured_minor: i64,
    /// Given back, at most what was taken.
    pub refunded_minor: i64,
}

/// Why a posting could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// An amount out of range, or a commission above the price.
    #[error("the amount cannot be split: {0}")]
    Money(#[from] MoneyError),
    /// Never happens for amounts that were split exactly; kept, not hidden.
    #[error("the entries do not form a transaction: {0}")]
    Ledger(#[from] LedgerError),
    /// The commission is more than the price.
    #[error("the commission is more than the price")]
    Commission,
}

/// How a kept amount is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shares {
    provider: i64,
    commission_net: i64,
    commission_vat: i64,
}

impl Terms {
    fn shares(self, kept_minor: i64) -> Result<Shares, PostingError> {
        let commission = i64::from(self.commission.basis_points());
        let provider =
            WHOLE.checked_sub(commission).filter(|rest| *rest >= 0).ok_or(PostingError::Commission)?;
        let parts = allocate(kept_minor, &[provider, commission])?;
        let [provider, commission] = parts.as_slice() else { return Err(MoneyError::Weights.into()) };
        let commission_vat = self.vat.included_in(*commission)?;
        let commission_net = commission.checked_sub(commission_vat).ok_or(MoneyError::Overflow)?;
        Ok(Shares { provider: *provider, commission_net, commission_vat })
    }

    /// The transactions between two positions: one for what was taken on top, one for what was given back on
    /// top (or came back from a refund that failed). None where nothing moved. `occasion` must differ for
    /// every change of a payment (its id and version), because the same step may be taken twice: a refund
    /// bounces and is made again.
    ///
    /// # Errors
    /// When an amount does not fit or the terms are impossible.
    pub fn between(
        self,
        occasion: &str,
        from: Position,
        to: Position,
    ) -> Result<Vec<Transaction>, PostingError> {
        let mut transactions = Vec::new();
        let kept = |captured: i64, refunded: i64| captured.checked_sub(refunded).ok_or(MoneyError::Overflow);
        let before = kept(from.captured_minor, from.refunded_minor)?;
        let middle = kept(to.captured_minor, from.refunded_minor)?;
        let after = kept(to.captured_minor, to.refunded_minor)?;
        if middle != before {
            let reference = format!("capture:{occasion}");
            transactions.push(self.movement(reference, before, middle)?);
        }
        if after != middle {
            let reference = format!("refund:{occasion}");
            transactions.push(self.movement(reference, middle, after)?);
        }
        Ok(transactions)
    }

    fn movement(self, reference: String, before: i64, after: i64) -> Result<Transaction, PostingError> {
        let (old, new) = (self.shares(before)?, self.shares(after)?);
        let change = |new: i64, old: i64| new.checked_sub(old).ok_or(MoneyError::Overflow);
        let entries = [
            Entry::movement(Account::StripeBalance, change(after, before)?),
            Entry::movement(Account::ProviderPayable, change(old.provider, new.provider)?),
            Entry::movement(Account::CommissionRevenue, change(old.commission_net, new.commission_net)?),
            Entry::movement(Account::VatPayable, change(old.commission_vat, new.commission_vat)?),
        ];
        Ok(Transaction::new(reference, self.currency, entries.into_iter().flatten().collect())?)
    }
}

/// What Stripe kept for one of its balance transactions, `txn_...`. `None` where it was free.
///
/// # Errors
/// When the fee is negative beyond what fits.
pub fn fee(
    balance_transaction: &str,
    fee_minor: i64,
    currency: Currency,
) -> Result<Option<Transaction>, PostingError> {
    let credit = fee_minor.checked_neg().ok_or(MoneyError::Overflow)?;
    let entries =
        [Entry::movement(Account::PspFee, fee_minor), Entry::movement(Account::StripeBalance, credit)];
    let entries: Vec<_> = entries.into_iter().flatten().collect();
    if entries.is_empty() {
        return Ok(None);
    }
    Ok(Some(Transaction::new(format!("fee:{balance_transaction}"), currency, entries)?))
}

/// 100 % in basis points.
const WHOLE: i64 = 10_000;

#[cfg(test)]
mod tests {
    use super::{Position, PostingError, Terms, fee};
    use crate::ledger::{Account, balances};
    use jobzy_money::{Currency, Rate};
    use proptest::prelude::*;

    fn terms() -> Terms {
        Terms {
            commission: Rate::from_basis_points(1500),
            vat: Rate::from_basis_points(2550),
            currency: Currency::Eur,
        }
    }

    fn at(captured_minor: i64, refunded_minor: i64) -> Position {
        Position { captured_minor, refunded_minor }
    }

    #[test]
    fn a_capture_is_shared_between_provider_commission_and_its_vat() {
        let booked = terms().between("pay_1", at(0, 0), at(15_000, 0)).unwrap();
        let expected = [
            (Account::StripeBalance, 15_000),
            (Account::ProviderPayable, -12_750),
            (Account::CommissionRevenue, -1793),
            (Account::VatPayable, -457),
        ];
        assert_eq!(balances(&booked), expected.into_iter().collect());
        assert_eq!(booked[0].reference(), "capture:pay_1");
    }

    #[test]
    fn a_partial_refund_takes_its_share_from_each() {
        let booked = terms().between("pay_1", at(15_000, 0), at(15_000, 3333)).unwrap();
        let balances = balances(&booked);
        assert_eq!(balances[&Account::StripeBalance], -3333);
        assert_eq!(balances[&Account::ProviderPayable], 2833);
        assert_eq!(balances[&Account::CommissionRevenue] + balances[&Account::VatPayable], 500);
    }

    #[test]
    fn the_fee_of_the_card_company_is_ours_to_bear() {
        let booked = fee("txn_1", 250, Currency::Eur).unwrap().unwrap();
        let expected = [(Account::PspFee, 250), (Account::StripeBalance, -250)];
        assert_eq!(balances([&booked]), expected.into_iter().collect());
        assert_eq!(fee("txn_1", 0, Currency::Eur), Ok(None));
    }

    #[test]
    fn a_commission_above_the_price_is_refused() {
        let impossible = Terms { commission: Rate::from_basis_points(10_001), ..terms() };
        assert_eq!(impossible.between("p", at(0, 0), at(1, 0)), Err(PostingError::Commission));
    }

    proptest! {
        #[test]
        fn refunds_that_sum_to_the_whole_leave_nothing_behind(
            parts in prop::collection::vec(1_i64..100_000, 1..7), commission in 0_u32..=10_000, vat in 0_u32..3000,
        ) {
            let terms = Terms { commission: Rate::from_basis_points(commission), vat: Rate::from_basis_points(vat), ..terms() };
            let whole: i64 = parts.iter().sum();
            let mut booked = terms.between("p", at(0, 0), at(whole, 0)).unwrap();
            let mut refunded = 0;
            for part in parts {
                let before = balances(&booked);
                booked.extend(terms.between("p", at(whole, refunded), at(whole, refunded + part)).unwrap());
                refunded += part;
                // Every share only shrinks: a refund never pays anyone more.
                let after = balances(&booked);
                for (account, was) in before {
                    prop_assert!(after.get(&account).unwrap_or(&0).abs() <= was.abs());
                }
            }
            prop_assert!(balances(&booked).is_empty());
        }
    }
}
