//! The states of a job and what leads from one to the next.
//!
//! ```text
//! draft -submit-> requested -offer-> offered -accept-> accepted -confirm-> confirmed -check_in-> in_progress
//!          submit again ^ ^--reject-----'                 |                    |                  |
//!                                                         '- fail_payment -----'-> payment_failed | finish
//!                                                                       completed <-approve- work_done
//! cancel leads from any state up to in_progress to cancelled, for those whom the state lets.
//! ```

use jobzy_ids::ProviderId;

use crate::split::{Split, SplitError};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// Who wants the work done.
    Customer,
    /// Who does it.
    Provider,
    /// Somebody of the marketplace, for either of them, with a reason.
    Operator,
    /// The payment service.
    Payment,
    /// The service itself.
    System,
}

impl Actor {
    /// As written in the history.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Provider => "provider",
            Self::Operator => "operator",
            Self::Payment => "payment",
            Self::System => "system",
        }
    }

    /// From the history.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Provider, Self::Operator, Self::Payment, Self::System]
            .into_iter()
            .find(|actor| actor.as_str() == text)
    }
}

/// Where a job stands, with what is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Written down, nothing asked of anybody.
    Draft,
    /// Wanted; nobody has it offered.
    Requested,
    /// Offered to a provider, whose time is held.
    Offered {
        /// To whom.
        provider: ProviderId,
    },
    /// The provider will do it; the payment is being authorised.
    Accepted {
        /// Who.
        provider: ProviderId,
    },
    /// The money is authorised.
    Confirmed {
        /// Who.
        provider: ProviderId,
    },
    /// The provider is there.
    InProgress {
        /// Who.
        provider: ProviderId,
    },
    /// The provider says that it is done.
    WorkDone {
        /// Who.
        provider: ProviderId,
        /// What the price is made up of.
        split: Split,
    },
    /// The customer agrees. Terminal.
    Completed {
        /// Who did it.
        provider: ProviderId,
        /// What the price is made up of.
        split: Split,
    },
    /// Called off. Terminal.
    Cancelled {
        /// Whose it was by then.
        provider: Option<ProviderId>,
        /// Who called it off.
        by: Actor,
    },
    /// The money could not be authorised. Terminal.
    PaymentFailed {
        /// Whose it would have been.
        provider: ProviderId,
    },
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The customer wants it.
    Submit,
    /// A provider is to have it offered.
    Offer(ProviderId),
    /// The provider takes it.
    Accept,
    /// The provider does not.
    Reject,
    /// The money is authorised.
    Confirm,
    /// It could not be.
    FailPayment,
    /// The provider is there.
    CheckIn,
    /// The provider is done; the price is made up so, and must sum to `total_minor`.
    Finish {
        /// The parts.
        split: Split,
        /// The agreed price.
        total_minor: i64,
    },
    /// The customer agrees that it is done.
    Approve,
    /// Somebody calls it off.
    Cancel,
}

/// Why a transition does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state has no such way out.
    #[error("a job that is {from} cannot {transition}")]
    WrongState {
        /// Where the job stands.
        from: &'static str,
        /// What was tried.
        transition: &'static str,
    },
    /// The way exists, but not for this actor.
    #[error("a {actor} may not {transition} a job that is {from}")]
    WrongActor {
        /// Where the job stands.
        from: &'static str,
        /// What was tried.
        transition: &'static str,
        /// By whom.
        actor: &'static str,
    },
    /// The price is made up of parts that do not sum to it.
    #[error(transparent)]
    Split(#[from] SplitError),
}

impl Transition {
    /// As written in the history.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Offer(_) => "offer",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Confirm => "confirm",
            Self::FailPayment => "fail_payment",
            Self::CheckIn => "check_in",
            Self::Finish { .. } => "finish",
            Self::Approve => "approve",
            Self::Cancel => "cancel",
        }
    }

    /// Who may do this at all; [`State::cancellable_by`] says more about calling off.
    const fn actors(&self) -> &'static [Actor] {
        match self {
            Self::Submit | Self::Approve => &[Actor::Customer, Actor::Operator],
            Self::Offer(_) => &[Actor::Customer, Actor::Operator, Actor::System],
            Self::Accept | Self::Reject | Self::CheckIn | Self::Finish { .. } => {
                &[Actor::Provider, Actor::Operator]
            }
            Self::Confirm | Self::FailPayment => &[Actor::Payment],
            Self::Cancel => &[Actor::Customer, Actor::Provider, Actor::Operator],
        }
    }
}

impl State {
    /// As written on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Requested => "requested",
            Self::Offered { .. } => "offered",
            Self::Accepted { .. } => "accepted",
            Self::Confirmed { .. } => "confirmed",
            Self::InProgress { .. } => "in_progress",
            Self::WorkDone { .. } => "work_done",
            Self::Completed { .. } => "completed",
            Self::Cancelled { .. } => "cancelled",
            Self::PaymentFailed { .. } => "payment_failed",
        }
    }

    /// The provider who has or had the job.
    #[must_use]
    pub const fn provider(&self) -> Option<ProviderId> {
        match self {
            Self::Draft | Self::Requested => None,
            Self::Offered { provider }
            | Self::Accepted { provider }
            | Self::Confirmed { provider }
            | Self::InProgress { provider }
            | Self::WorkDone { provider, .. }
            | Self::Completed { provider, .. }
            | Self::PaymentFailed { provider } => Some(*provider),
            Self::Cancelled { provider, .. } => *provider,
        }
    }

    /// What the price is made up of, once the provider has said so.
    #[must_use]
    pub const fn split(&self) -> Option<Split> {
        match self {
            Self::WorkDone { split, .. } | Self::Completed { split, .. } => Some(*split),
            _ => None,
        }
    }

    /// Whether nothing leads out of it.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Cancelled { .. } | Self::PaymentFailed { .. })
    }

    /// Whether the provider's time is taken by the job.
    #[must_use]
    pub const fn holds_slot(&self) -> bool {
        matches!(
            self,
            Self::Offered { .. } | Self::Accepted { .. } | Self::Confirmed { .. } | Self::InProgress { .. }
        )
    }

    /// Who may call the job off where it stands. Work that is done can only be complained about.
    const fn cancellable_by(&self) -> &'static [Actor] {
        match self {
            Self::Draft | Self::Requested | Self::Offered { .. } => &[Actor::Customer, Actor::Operator],
            Self::Accepted { .. } | Self::Confirmed { .. } => {
                &[Actor::Customer, Actor::Provider, Actor::Operator]
            }
            Self::InProgress { .. } => &[Actor::Operator],
            _ => &[],
        }
    }

    /// The state after `transition` by `actor`.
    ///
    /// # Errors
    /// When the state has no such way out, or not for this actor, or the split does not fit.
    pub fn apply(self, transition: Transition, actor: Actor) -> Result<Self, Refusal> {
        use Transition as T;
        let from = self.name();
        let name = transition.as_str();
        let next = match (&self, transition) {
            // Again: somebody may be free by now.
            (Self::Draft | Self::Requested, T::Submit) => Self::Requested,
            (Self::Requested, T::Offer(provider)) => Self::Offered { provider },
            (Self::Offered { .. }, T::Reject) => Self::Requested,
            (Self::Offered { provider }, T::Accept) => Self::Accepted { provider: *provider },
            (Self::Accepted { provider }, T::Confirm) => Self::Confirmed { provider: *provider },
            (Self::Accepted { provider } | Self::Confirmed { provider }, T::FailPayment) => {
                Self::PaymentFailed { provider: *provider }
            }
            (Self::Confirmed { provider }, T::CheckIn) => Self::InProgress { provider: *provider },
            (Self::InProgress { provider }, T::Finish { split, total_minor }) => {
                let (provider, split) = (*provider, split.check(total_minor)?);
                Self::WorkDone { provider, split }
            }
            (Self::WorkDone { provider, split }, T::Approve) => {
                Self::Completed { provider: *provider, split: *split }
            }
            (state, T::Cancel) if !state.cancellable_by().is_empty() => {
                Self::Cancelled { provider: state.provider(), by: actor }
            }
            _ => return Err(Refusal::WrongState { from, transition: name }),
        };
        let actors = if transition == T::Cancel { self.cancellable_by() } else { transition.actors() };
        if actors.contains(&actor) {
            Ok(next)
        } else {
            Err(Refusal::WrongActor { from, transition: name, actor: actor.as_str() })
        }
    }
}
