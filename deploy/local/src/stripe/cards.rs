//! The test payment methods, by the names Stripe documents: <https://docs.stripe.com/testing>.

/// Why an issuer says no.
#[derive(Debug, PartialEq, Eq)]
pub struct Decline {
    /// `card_declined`, `expired_card` ...
    pub code: &'static str,
    /// The issuer's reason.
    pub decline_code: &'static str,
    /// For people.
    pub message: &'static str,
}

/// What happens when a card is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// The issuer agrees.
    Approve,
    /// The issuer refuses.
    Decline(&'static Decline),
    /// The holder has to authenticate first; then the issuer agrees, or refuses.
    Authenticate(Option<&'static Decline>),
}

/// What becomes of a refund to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Done at once.
    Succeeds,
    /// Pending for a while, then done.
    PendingThenSucceeds,
    /// Done at once, and some time later the bank sends the money back.
    SucceedsThenFails,
}

/// A test card.
#[derive(Debug, PartialEq, Eq)]
pub struct Card {
    /// `pm_card_...`
    pub token: &'static str,
    /// `visa`, `mastercard` ...
    pub brand: &'static str,
    /// The last digits of the test number.
    pub last4: &'static str,
    /// What happens when it is charged.
    pub behaviour: Behaviour,
    /// What becomes of refunds.
    pub refunds: Course,
}

const GENERIC: Decline = decline("card_declined", "generic_decline", "Your card was declined.");
const FUNDS: Decline = decline("card_declined", "insufficient_funds", "Your card has insufficient funds.");
const LOST: Decline = decline("card_declined", "lost_card", "Your card was declined.");
const STOLEN: Decline = decline("card_declined", "stolen_card", "Your card was declined.");
const VELOCITY: Decline = decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
);
const EXPIRED: Decline = decline("expired_card", "expired_card", "Your card has expired.");
const CVC: Decline = decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.");
const PROCESSING: Decline = decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);
/// What a card that needs its holder answers when the holder is not there.
pub const ABSENT_HOLDER: Decline = decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
);

const fn decline(code: &'static str, decline_code: &'static str, message: &'static str) -> Decline {
    Decline { code, decline_code, message }
}

const fn visa(token: &'static str, last4: &'static str, behaviour: Behaviour) -> Card {
    Card { token, brand: "visa", last4, behaviour, refunds: Course::Succeeds }
}

/// Where Stripe's documents have had two names for a card, both stand here.
const CARDS: &[Card] = &[
    visa("pm_card_visa", "4242", Behaviour::Approve),
    visa("pm_card_visa_debit", "5556", Behaviour::Approve),
    Card { brand: "mastercard", ..visa("pm_card_mastercard", "4444", Behaviour::Approve) },
    Card { brand: "amex", ..visa("pm_card_amex", "8431", Behaviour::Approve) },
    visa("pm_card_visa_chargeDeclined", "0002", Behaviour::Decline(&GENERIC)),
    visa("pm_card_chargeDeclined", "0002", Behaviour::Decline(&GENERIC)),
    visa("pm_card_visa_chargeDeclinedInsufficientFunds", "9995", Behaviour::Decline(&FUNDS)),
    visa("pm_card_chargeDeclinedInsufficientFunds", "9995", Behaviour::Decline(&FUNDS)),
    visa("pm_card_visa_chargeDeclinedLostCard", "9987", Behaviour::Decline(&LOST)),
    visa("pm_card_visa_chargeDeclinedStolenCard", "9979", Behaviour::Decline(&STOLEN)),
    visa("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "6975", Behaviour::Decline(&VELOCITY)),
    visa("pm_card_chargeDeclinedExpiredCard", "0069", Behaviour::Decline(&EXPIRED)),
    visa("pm_card_chargeDeclinedIncorrectCvc", "0127", Behaviour::Decline(&CVC)),
    visa("pm_card_chargeDeclinedProcessingError", "0119", Behaviour::Decline(&PROCESSING)),
    visa("pm_card_threeDSecure2Required", "3220", Behaviour::Authenticate(None)),
    visa("pm_card_authenticationRequired", "3184", Behaviour::Authenticate(None)),
    visa("pm_card_threeDSecureRequiredChargeDeclined", "1629", Behaviour::Authenticate(Some(&GENERIC))),
    visa(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "3178",
        Behaviour::Authenticate(Some(&FUNDS)),
    ),
    Card {
        refunds: Course::PendingThenSucceeds,
        ..visa("pm_card_pendingRefund", "7726", Behaviour::Approve)
    },
    Card { refunds: Course::SucceedsThenFails, ..visa("pm_card_refundFail", "5126", Behaviour::Approve) },
];

/// The test card of that name.
pub fn by_token(token: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.token == token)
}

#[cfg(test)]
mod tests {
    use super::{CARDS, by_token};
    use std::collections::BTreeSet;

    #[test]
    fn every_card_has_a_name_of_its_own() {
        let names: BTreeSet<_> = CARDS.iter().map(|card| card.token).collect();
        assert_eq!(names.len(), CARDS.len());
        assert!(CARDS.iter().all(|card| by_token(card.token) == Some(card)));
        assert_eq!(by_token("pm_card_visa_"), None);
    }
}
