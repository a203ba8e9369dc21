//! What is refused, and what is planned.

#![allow(clippy::unwrap_used, reason = "helpers of tests: whatever fails here has to fail the test")]

use jobzy_ids::{AttemptId, PaymentId};
use jobzy_money::Money;
use jobzy_payment::{
    Effect, Fact, Kind, Known, MAX_ATTEMPTS, OperationState, Payment, Planned, RefundRefusal, Refusal,
    RefusedFact, RetryRefusal, Status, Wish, apply, asked_minor, plan, settled,
};
use serde_json::json;

const TOTAL: i64 = 15_000;

fn attempt(n: u8) -> AttemptId {
    AttemptId::new(u64::from(n), [n; 10])
}

fn payment(wish: Wish) -> Payment {
    Payment::new(PaymentId::new(1, [1; 10]), Money::eur(TOTAL), wish, attempt(1))
}

fn intent_of(n: u8, status: &str, capturable: i64, received: i64) -> Fact {
    let object = json!({
        "object": "payment_intent", "id": format!("pi_{n}"), "status": status, "amount": TOTAL, "currency": "eur",
        "amount_capturable": capturable, "amount_received": received, "metadata": {"attempt_id": attempt(n)},
    });
    Fact::parse(&object).unwrap()
}

fn declined(n: u8) -> Fact {
    let object = json!({
        "object": "payment_intent", "id": format!("pi_{n}"), "status": "requires_payment_method", "amount": TOTAL,
        "currency": "eur", "metadata": {"attempt_id": attempt(n)}, "last_payment_error": {"code": "card_declined"},
    });
    Fact::parse(&object).unwrap()
}

fn after(payment: Payment, facts: &[Fact]) -> Payment {
    facts.iter().fold(payment, |payment, fact| apply(payment, fact).unwrap().0)
}

fn known(id: &str, n: u8, kind: Kind, state: OperationState, amount_minor: i64) -> Known {
    Known { id: id.to_owned(), attempt: attempt(n), kind, state, amount_minor }
}

fn kinds(payment: &Payment, known: &[Known]) -> Vec<Kind> {
    plan(payment, known).into_iter().map(|planned| planned.kind).collect()
}

#[test]
fn an_intent_of_another_payment_is_refused() {
    let foreign = json!({"object": "payment_intent", "id": "pi_9", "status": "succeeded", "amount": TOTAL, "currency": "eur"});
    assert_eq!(apply(payment(Wish::Hold), &Fact::parse(&foreign).unwrap()), Err(Refusal::NotOurs));
}

#[test]
fn a_second_intent_for_one_attempt_is_refused_by_name() {
    let held = after(payment(Wish::Hold), &[intent_of(1, "requires_capture", TOTAL, 0)]);
    let mut second = json!({"object": "payment_intent", "id": "pi_2", "status": "requires_capture", "amount": TOTAL, "currency": "eur"});
    second["metadata"] = json!({"attempt_id": attempt(1)});
    assert!(
        matches!(apply(held, &Fact::parse(&second).unwrap()), Err(Refusal::SecondIntent { known, told, .. }) if known == "pi_1" && told == "pi_2")
    );
}

#[test]
fn another_amount_or_currency_is_refused() {
    let base = json!({"object": "payment_intent", "id": "pi_1", "status": "requires_capture", "amount": TOTAL, "currency": "eur", "metadata": {"attempt_id": attempt(1)}});
    for (member, value) in [
        ("amount", json!(TOTAL + 1)),
        ("currency", json!("sek")),
        ("amount_received", json!(-1)),
        ("amount_capturable", json!(TOTAL + 1)),
    ] {
        let mut object = base.clone();
        object[member] = value;
        assert_eq!(
            apply(payment(Wish::Hold), &Fact::parse(&object).unwrap()),
            Err(Refusal::OtherAmount),
            "{member}"
        );
    }
}

#[test]
fn the_plan_follows_the_wish() {
    let fresh = payment(Wish::Hold);
    assert_eq!(
        plan(&fresh, &[]),
        [Planned { attempt: attempt(1), kind: Kind::Authorise, amount_minor: TOTAL }]
    );
    assert!(kinds(&payment(Wish::Release), &[]).is_empty(), "what was never asked for needs no undoing");
    let asked = known("a", 1, Kind::Authorise, OperationState::Unknown, TOTAL);
    assert!(
        plan(&fresh, std::slice::from_ref(&asked)).is_empty(),
        "an unknown operation is not planned again"
    );

    let held = |wish| after(payment(wish), &[intent_of(1, "requires_capture", TOTAL, 0)]);
    assert!(kinds(&held(Wish::Hold), std::slice::from_ref(&asked)).is_empty());
    assert_eq!(kinds(&held(Wish::Capture), std::slice::from_ref(&asked)), [Kind::Capture]);
    assert_eq!(kinds(&held(Wish::Release), &[asked]), [Kind::Void]);

    let taken = |wish| after(payment(wish), &[intent_of(1, "succeeded", 0, TOTAL)]);
    assert_eq!(kinds(&taken(Wish::Capture), &[]), [Kind::Invoice, Kind::Fee]);
    assert_eq!(kinds(&taken(Wish::Release), &[]), [Kind::Refund, Kind::Invoice, Kind::Fee]);
}

#[test]
fn a_failed_intent_is_cancelled_so_that_nobody_can_pay_it_later() {
    let failed = after(payment(Wish::Hold), &[declined(1)]);
    assert_eq!(failed.status(), Status::Failed);
    assert_eq!(kinds(&failed, &[]), [Kind::Void]);
}

#[test]
fn a_late_success_of_an_earlier_attempt_is_let_go_of() {
    let second = after(payment(Wish::Hold), &[declined(1)]).retry(attempt(2)).unwrap();
    let both = after(
        second,
        &[intent_of(1, "requires_capture", TOTAL, 0), intent_of(2, "requires_capture", TOTAL, 0)],
    );
    assert_eq!(plan(&both, &[]), [Planned { attempt: attempt(1), kind: Kind::Void, amount_minor: TOTAL }]);
}

#[test]
fn a_failure_of_an_earlier_attempt_is_not_told_again() {
    let second = payment(Wish::Hold);
    let second = after(second, &[declined(1)]).retry(attempt(2)).unwrap();
    let (held, effects) = apply(second, &intent_of(2, "requires_capture", TOTAL, 0)).unwrap();
    assert_eq!(effects, [Effect::Authorised { amount_minor: TOTAL }]);
    let (_, effects) = apply(held, &intent_of(1, "canceled", 0, 0)).unwrap();
    assert!(effects.is_empty(), "{effects:?}");
}

#[test]
fn only_a_failed_payment_is_tried_again_and_not_for_ever() {
    assert_eq!(payment(Wish::Hold).retry(attempt(2)), Err(RetryRefusal::NotFailed));
    let mut tried = after(payment(Wish::Hold), &[declined(1)]);
    for n in 2..=u8::try_from(MAX_ATTEMPTS).unwrap() {
        tried = after(tried.retry(attempt(n)).unwrap(), &[declined(n)]);
    }
    assert_eq!(tried.retry(attempt(99)), Err(RetryRefusal::TooMany));
}

#[test]
fn refunds_asked_for_count_before_stripe_has_answered() {
    let taken = after(payment(Wish::Capture), &[intent_of(1, "succeeded", 0, TOTAL)]);
    let open = [
        known("r1", 1, Kind::Refund, OperationState::Unknown, 9000),
        known("r2", 1, Kind::Refund, OperationState::Failed, 9000),
    ];
    let asked = asked_minor(&taken, &open);
    assert_eq!(asked, 9000);
    assert_eq!(taken.may_refund(6000, asked), Ok(()));
    assert_eq!(taken.may_refund(6001, asked), Err(RefundRefusal::TooMuch { left_minor: 6000 }));
    assert_eq!(taken.may_refund(0, asked), Err(RefundRefusal::NotPositive));
    assert_eq!(payment(Wish::Hold).may_refund(1, 0), Err(RefundRefusal::NothingCaptured));

    // Once Stripe knows the refund, it counts once, not twice.
    let object = json!({"object": "refund", "id": "re_1", "status": "pending", "amount": 9000, "currency": "eur", "payment_intent": "pi_1", "metadata": {"operation_id": "r1"}});
    let told = after(taken, &[Fact::parse(&object).unwrap()]);
    assert_eq!(told.refundable_minor(asked_minor(&told, &open)), 6000);
    assert_eq!(settled(&told, &open[0]), Some(OperationState::Success));
}

#[test]
fn the_state_settles_operations_whose_answer_was_lost() {
    let ask =
        |payment: &Payment, kind| settled(payment, &known("o", 1, kind, OperationState::Unknown, TOTAL));
    let fresh = payment(Wish::Hold);
    assert_eq!(ask(&fresh, Kind::Authorise), None);
    let held = after(fresh.clone(), &[intent_of(1, "requires_capture", TOTAL, 0)]);
    assert_eq!(ask(&held, Kind::Authorise), Some(OperationState::Success));
    assert_eq!(ask(&held, Kind::Capture), None);
    assert_eq!(ask(&held, Kind::Void), None);
    let taken = after(held.clone(), &[intent_of(1, "succeeded", 0, TOTAL)]);
    assert_eq!(ask(&taken, Kind::Capture), Some(OperationState::Success));
    assert_eq!(ask(&taken, Kind::Void), Some(OperationState::Failed));
    let gone = after(held, &[intent_of(1, "canceled", 0, 0)]);
    assert_eq!(ask(&gone, Kind::Capture), Some(OperationState::Failed));
    assert_eq!(ask(&gone, Kind::Void), Some(OperationState::Success));
    assert_eq!(ask(&after(fresh, &[declined(1)]), Kind::Authorise), Some(OperationState::Failed));
}

#[test]
fn letting_go_is_tried_again_but_not_for_ever() {
    let failed = after(payment(Wish::Hold), &[declined(1)]);
    let void = known("v", 1, Kind::Void, OperationState::Failed, TOTAL);
    assert_eq!(kinds(&failed, std::slice::from_ref(&void)), [Kind::Void]);
    assert!(kinds(&failed, &vec![void.clone(); 3]).is_empty());
    assert!(kinds(&failed, &[Known { state: OperationState::Unknown, ..void }]).is_empty());
}

#[test]
fn an_attempt_that_stripe_would_not_begin_has_failed() {
    let refused = Fact::Refused(RefusedFact { attempt: attempt(1), reason: "resource_missing".to_owned() });
    let (failed, effects) = apply(payment(Wish::Hold), &refused).unwrap();
    assert_eq!(effects, [Effect::Failed { reason: "resource_missing".to_owned() }]);
    assert_eq!(failed.status(), Status::Failed);
    assert!(plan(&failed, &[known("a", 1, Kind::Authorise, OperationState::Failed, TOTAL)]).is_empty());
    let other = Fact::Refused(RefusedFact { attempt: attempt(9), reason: String::new() });
    assert_eq!(apply(failed, &other), Err(Refusal::NotOurs));
}
