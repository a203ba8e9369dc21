//! The account: all objects and the rules by which they change. It knows no HTTP and waits for nothing.
//!
//! Every change notes the events it causes; [`Account::publish`] turns the notes into events once the call that
//! caused them is known to have ended.

mod confirm;
mod intents;
mod reading;
mod refunds;
mod settling;

use jobzy_service::clock::Clock;
use serde_json::Value;

use super::objects::{BalanceTransaction, Charge, Event, Intent, Method, Movement, Refund};
use super::shelf::{Object, Shelf};

/// Letters and digits of an id behind its prefix.
const ID_LENGTH: usize = 24;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What Stripe keeps of every capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee {
    /// Hundredths of a percent of the amount, rounded half up to a minor unit.
    pub basis_points: i64,
    /// Plus this, in minor units.
    pub fixed_minor: i64,
}

impl Fee {
    fn of(self, amount: i64) -> i64 {
        (amount * self.basis_points + 5_000) / 10_000 + self.fixed_minor
    }
}

/// All objects.
#[derive(Debug)]
pub struct Account {
    clock: Clock,
    fee: Fee,
    base_url: String,
    pub(super) intents: Shelf<Intent>,
    pub(super) charges: Shelf<Charge>,
    pub(super) refunds: Shelf<Refund>,
    pub(super) movements: Shelf<BalanceTransaction>,
    pub(super) methods: Shelf<Method>,
    pub(super) events: Shelf<Event>,
    noted: Vec<Note>,
    unsettled: Vec<String>,
}

#[derive(Debug)]
struct Note {
    kind: &'static str,
    object: Value,
    previous: Option<Value>,
}

impl Account {
    /// An empty account. Pages for customers lie below `base_url`.
    pub fn new(clock: Clock, fee: Fee, base_url: String) -> Self {
        Self {
            clock,
            fee,
            base_url,
            intents: Shelf::default(),
            charges: Shelf::default(),
            refunds: Shelf::default(),
            movements: Shelf::default(),
            methods: Shelf::default(),
            events: Shelf::default(),
            noted: Vec::new(),
            unsettled: Vec::new(),
        }
    }

    /// Makes events of what was noted since the last time and returns them. `request` is the id and idempotency
    /// key of the call behind them.
    pub fn publish(&mut self, request: Option<&(String, Option<String>)>) -> Vec<Event> {
        let created = self.now();
        let noted = std::mem::take(&mut self.noted);
        let mut events = Vec::with_capacity(noted.len());
        for Note { kind, object, previous } in noted {
            let id = self.id("evt");
            let event =
                Event { id, created, kind, object, previous, request: request.cloned(), pending: true };
            self.events.put(event.clone());
            events.push(event);
        }
        events
    }

    /// Refunds made since the last time whose course is not at its end.
    pub fn take_unsettled(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unsettled)
    }

    /// A new id: `prefix_` and 24 letters and digits.
    pub fn id(&self, prefix: &str) -> String {
        let random: [u8; ID_LENGTH] = self.clock.random();
        // The slight preference of the remainder for some letters does not matter for test ids.
        let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        format!("{prefix}_{}", letters.map(|&letter| char::from(letter)).collect::<String>())
    }

    fn now(&self) -> i64 {
        self.clock.unix_s()
    }

    fn note<T: Object>(&mut self, kind: &'static str, object: &T, previous: Option<Value>) {
        self.noted.push(Note { kind, object: object.to_json(), previous });
    }

    fn moved(&mut self, movement: Movement, source: &str, amount: i64, currency: &str) -> String {
        let id = self.id("txn");
        let fee = if movement == Movement::Charge { self.fee.of(amount) } else { 0 };
        self.movements.put(BalanceTransaction {
            id: id.clone(),
            created: self.now(),
            movement,
            source: source.to_owned(),
            amount,
            fee,
            currency: currency.to_owned(),
            description: None,
        });
        id
    }
}
