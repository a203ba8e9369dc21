//! Every order of a payment's history, with any fact told twice, ends in the same state, books the same
//! balances, and says each thing once.

#![allow(clippy::unwrap_used, reason = "helpers of tests: whatever fails here has to fail the test")]

use std::collections::BTreeMap;

use jobzy_ids::{AttemptId, PaymentId};
use jobzy_money::{Currency, Money, Rate};
use jobzy_payment::ledger::{Account, Transaction, balances};
use jobzy_payment::posting::{Position, Terms};
use jobzy_payment::{Effect, Fact, Payment, RefundStatus, Status, Wish, apply};
use proptest::prelude::*;
use serde_json::{Value, json};

const TOTAL: i64 = 15_000;

fn attempt_id() -> AttemptId {
    AttemptId::new(2, [2; 10])
}

fn payment(wish: Wish) -> Payment {
    Payment::new(PaymentId::new(1, [1; 10]), Money::eur(TOTAL), wish, attempt_id())
}

fn intent(status: &str, more: Value) -> Fact {
    let mut object = json!({
        "object": "payment_intent", "id": "pi_1", "status": status, "amount": TOTAL, "currency": "eur",
        "amount_capturable": 0, "amount_received": 0, "metadata": {"attempt_id": attempt_id()},
    });
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
    }
    Fact::parse(&object).unwrap()
}

fn refund(id: &str, status: &str, amount: i64) -> Fact {
    let object = json!({
        "object": "refund", "id": id, "status": status, "amount": amount, "currency": "eur", "payment_intent": "pi_1",
        "metadata": {"payment_id": PaymentId::new(1, [1; 10]), "operation_id": format!("op-{id}")},
    });
    Fact::parse(&object).unwrap()
}

fn declined() -> Fact {
    let error =
        json!({"last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}});
    intent("requires_payment_method", error)
}

fn authenticate() -> Fact {
    intent("requires_action", json!({}))
}

fn held() -> Fact {
    intent("requires_capture", json!({"amount_capturable": TOTAL, "latest_charge": "ch_1"}))
}

fn taken() -> Fact {
    intent("succeeded", json!({"amount_received": TOTAL, "latest_charge": "ch_1"}))
}

fn cancelled() -> Fact {
    intent("canceled", json!({"cancellation_reason": "requested_by_customer"}))
}

struct Told {
    payment: Payment,
    effects: Vec<Effect>,
    booked: Vec<Transaction>,
}

fn tell<'f>(wish: Wish, facts: impl IntoIterator<Item = &'f Fact>) -> Told {
    let terms = Terms {
        commission: Rate::from_basis_points(1500),
        vat: Rate::from_basis_points(2550),
        currency: Currency::Eur,
    };
    let at =
        |p: &Payment| Position { captured_minor: p.captured_minor(), refunded_minor: p.refunded_minor() };
    let mut told = Told { payment: payment(wish), effects: Vec::new(), booked: Vec::new() };
    for fact in facts {
        let before = at(&told.payment);
        let (payment, effects) = apply(told.payment, fact).unwrap();
        told.booked.extend(terms.between("pay", before, at(&payment)).unwrap());
        told.payment = payment;
        told.effects.extend(effects);
    }
    told
}

/// The histories that Stripe can tell, each with the status it ends in.
fn histories() -> Vec<(Wish, Vec<Fact>, Status)> {
    let full = vec![
        authenticate(),
        held(),
        taken(),
        refund("re_1", "pending", 5000),
        refund("re_1", "succeeded", 5000),
        refund("re_2", "succeeded", 10_000),
    ];
    let bounced = vec![
        held(),
        taken(),
        refund("re_1", "pending", 4000),
        refund("re_1", "succeeded", 4000),
        refund("re_1", "failed", 4000),
        refund("re_2", "succeeded", 1),
    ];
    vec![
        (Wish::Capture, full, Status::Refunded),
        (Wish::Capture, bounced, Status::PartiallyRefunded),
        (Wish::Hold, vec![authenticate(), declined(), cancelled()], Status::Failed),
        (Wish::Hold, vec![declined(), held()], Status::Authorised),
        (Wish::Release, vec![authenticate(), held(), cancelled()], Status::Voided),
        (Wish::Release, vec![authenticate(), cancelled()], Status::Voided),
        (Wish::Hold, vec![authenticate(), cancelled()], Status::Failed),
        (Wish::Capture, vec![held(), taken()], Status::Captured),
    ]
}

fn permutations(facts: &[Fact]) -> Vec<Vec<&Fact>> {
    if facts.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in facts.iter().enumerate() {
        let rest: Vec<Fact> =
            facts.iter().enumerate().filter(|&(i, _)| i != at).map(|(_, f)| f.clone()).collect();
        for order in permutations(&rest) {
            // Back to references into `facts`, which outlive this call.
            let order = order.iter().map(|&fact| facts.iter().find(|&known| known == fact).unwrap());
            all.push(std::iter::once(first).chain(order).collect());
        }
    }
    all
}

#[track_caller]
fn check_same(expected: &Told, told: &Told) {
    assert_eq!(told.payment, expected.payment);
    assert_eq!(balances(&told.booked), balances(&expected.booked));
    let captured = |told: &Told| -> i64 {
        let amounts = told
            .effects
            .iter()
            .map(|e| if let Effect::Captured { amount_minor } = e { *amount_minor } else { 0 });
        amounts.sum()
    };
    assert_eq!(captured(told), told.payment.captured_minor());
    let authorised = told.effects.iter().filter(|e| matches!(e, Effect::Authorised { .. })).count();
    assert!(authorised <= 1, "{:?}", told.effects);
}

#[test]
fn every_order_of_a_history_ends_in_the_same_state() {
    for (wish, facts, status) in histories() {
        let expected = tell(wish, &facts);
        assert_eq!(expected.payment.status(), status);
        for order in permutations(&facts) {
            check_same(&expected, &tell(wish, order));
        }
    }
}

#[test]
fn money_kept_and_accounts_agree_at_the_end_of_every_history() {
    for (wish, facts, _) in histories() {
        let told = tell(wish, &facts);
        let kept = told.payment.captured_minor() - told.payment.refunded_minor();
        let balances: BTreeMap<Account, i128> = balances(&told.booked);
        assert_eq!(balances.get(&Account::StripeBalance).copied().unwrap_or(0), i128::from(kept));
        assert_eq!(balances.values().sum::<i128>(), 0);
    }
}

#[test]
fn the_same_fact_again_says_nothing() {
    for (wish, facts, _) in histories() {
        let told = tell(wish, &facts);
        for fact in &facts {
            let (payment, effects) = apply(told.payment.clone(), fact).unwrap();
            assert_eq!((payment, effects), (told.payment.clone(), Vec::new()));
        }
    }
}

proptest! {
    #[test]
    fn repeats_and_any_order_change_nothing(history in 0..8_usize, picks in prop::collection::vec(0..6_usize, 0..20), seed: u64) {
        let (wish, facts, _) = histories().swap_remove(history);
        let expected = tell(wish, &facts);
        let mut order: Vec<usize> = (0..facts.len()).chain(picks.into_iter().filter(|&pick| pick < facts.len())).collect();
        // A shuffle that proptest can replay.
        let mut state = seed;
        for at in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        check_same(&expected, &tell(wish, order.into_iter().map(|at| &facts[at])));
    }

    #[test]
    fn amounts_only_grow(picks in prop::collection::vec(0..6_usize, 1..20)) {
        let (wish, facts, _) = histories().swap_remove(0);
        let mut payment = payment(wish);
        for pick in picks {
            let (authorised, captured, refunded) = (payment.authorised_minor(), payment.captured_minor(), payment.refunded_minor());
            payment = apply(payment, &facts[pick]).unwrap().0;
            prop_assert!(payment.authorised_minor() >= authorised);
            prop_assert!(payment.captured_minor() >= captured && payment.captured_minor() <= payment.authorised_minor());
            prop_assert!(payment.refunded_minor() >= refunded && payment.refunded_minor() <= payment.captured_minor());
        }
    }
}

#[test]
fn a_refund_that_bounced_is_owed_again() {
    let (wish, facts, _) = histories().swap_remove(1);
    let told = tell(wish, &facts);
    assert_eq!(told.payment.refunds["re_1"].status, RefundStatus::Failed);
    assert_eq!(told.payment.refundable_minor(0), TOTAL - 1);
    assert!(
        told.effects.contains(&Effect::RefundFailed { refund_id: "re_1".to_owned(), amount_minor: 4000 })
    );
}
