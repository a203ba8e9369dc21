//! The states of a job and what leads from one to the next.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use jobzy_booking::job::{Actor, Refusal, State, Transition};
use jobzy_booking::split::Split;
use jobzy_ids::ProviderId;
use proptest::prelude::*;
use std::collections::BTreeSet;

const PROVIDER: ProviderId = ProviderId::from_bytes([1; 16]);
const SPLIT: Split = Split { labour_minor: 90, material_minor: 10, travel_minor: 0 };
const ACTORS: [Actor; 5] = [Actor::Customer, Actor::Provider, Actor::Operator, Actor::Payment, Actor::System];

fn transitions() -> Vec<Transition> {
    use Transition as T;
    let finish = T::Finish { split: SPLIT, total_minor: 100 };
    vec![
        T::Submit,
        T::Offer(PROVIDER),
        T::Accept,
        T::Reject,
        T::Confirm,
        T::FailPayment,
        T::CheckIn,
        finish,
        T::Approve,
        T::Cancel,
    ]
}

/// Every state that some sequence of transitions leads to.
fn reachable() -> Vec<State> {
    let mut found = vec![State::Draft];
    let mut at = 0;
    while at < found.len() {
        for transition in transitions() {
            for actor in ACTORS {
                if let Ok(next) = found[at].clone().apply(transition, actor)
                    && !found.contains(&next)
                {
                    found.push(next);
                }
            }
        }
        at += 1;
    }
    found
}

#[test]
fn every_state_is_reached_and_every_state_has_an_end_ahead() {
    let names: BTreeSet<&str> = reachable().iter().map(State::name).collect();
    let all = [
        "accepted",
        "cancelled",
        "completed",
        "confirmed",
        "draft",
        "in_progress",
        "offered",
        "payment_failed",
        "requested",
        "work_done",
    ];
    assert_eq!(names, all.into_iter().collect());
    for state in reachable() {
        let ways_out = transitions()
            .into_iter()
            .filter(|&transition| ACTORS.iter().any(|&actor| state.clone().apply(transition, actor).is_ok()))
            .count();
        assert_eq!(ways_out == 0, state.is_terminal(), "{state:?} has {ways_out} ways out");
    }
}

#[test]
fn the_way_of_a_job_that_goes_well() {
    use Transition as T;
    let steps = [
        (T::Submit, Actor::Customer, "requested"),
        (T::Offer(PROVIDER), Actor::System, "offered"),
        (T::Accept, Actor::Provider, "accepted"),
        (T::Confirm, Actor::Payment, "confirmed"),
        (T::CheckIn, Actor::Provider, "in_progress"),
        (T::Finish { split: SPLIT, total_minor: 100 }, Actor::Provider, "work_done"),
        (T::Approve, Actor::Customer, "completed"),
    ];
    let mut state = State::Draft;
    for (transition, actor, name) in steps {
        state = state.apply(transition, actor).unwrap();
        assert_eq!(state.name(), name);
    }
    assert_eq!(state.split(), Some(SPLIT));
}

#[test]
fn what_is_refused_says_why() {
    let accepted = State::Accepted { provider: PROVIDER };
    let wrong = accepted.clone().apply(Transition::Accept, Actor::Provider).unwrap_err();
    assert_eq!(wrong, Refusal::WrongState { from: "accepted", transition: "accept" });
    let wrong = accepted.apply(Transition::Confirm, Actor::Provider).unwrap_err();
    assert_eq!(wrong, Refusal::WrongActor { from: "accepted", transition: "confirm", actor: "provider" });
    let wrong =
        State::InProgress { provider: PROVIDER }.apply(Transition::Cancel, Actor::Customer).unwrap_err();
    assert!(matches!(wrong, Refusal::WrongActor { .. }));
    let wrong =
        State::WorkDone { provider: PROVIDER, split: SPLIT }.apply(Transition::Cancel, Actor::Operator);
    assert!(matches!(wrong, Err(Refusal::WrongState { .. })));
}

proptest! {
    #[test]
    fn money_is_only_due_after_work_and_a_late_payment_raises_nothing(steps in prop::collection::vec((0_usize..10, 0_usize..5), 0..40)) {
        let mut state = State::Draft;
        let mut confirmed = false;
        for (transition, actor) in steps {
            let before = state.clone();
            match state.clone().apply(transitions()[transition], ACTORS[actor]) {
                Ok(next) => {
                    prop_assert!(!before.is_terminal());
                    confirmed |= next.name() == "confirmed";
                    state = next;
                }
                Err(_) => prop_assert_eq!(&state, &before),
            }
            if state.split().is_some() {
                prop_assert!(confirmed, "work was done that nobody had paid for");
            }
        }
    }
}
