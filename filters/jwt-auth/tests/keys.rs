//! The keys over time: which are used, when the issuer is asked, and what an unknown key means.
#![cfg(test)]

mod common;

use common::{NOW_MS, config, set};
use jobzy_jwt_auth::keys::{Due, Keys, State, UnknownKid};
use proptest::prelude::*;

fn empty() -> Keys {
    Keys::new(config().timing)
}

/// Keys that were asked for and arrived at `at_ms`.
fn fetched(kids: &[&str], at_ms: u64) -> Keys {
    let mut keys = empty();
    keys.fetch_started(at_ms);
    keys.fetched(set(kids), at_ms);
    keys
}

#[test]
fn keys_go_from_empty_to_fresh_to_stale_to_expired() {
    assert_eq!(empty().state(NOW_MS), State::Empty);
    assert!(empty().usable(NOW_MS).is_none());
    let keys = fetched(&["a"], NOW_MS);
    for (age_s, state, usable) in [
        (0, State::Fresh, true),
        (119, State::Fresh, true),
        (120, State::Stale, true),
        (86_399, State::Stale, true),
        (86_400, State::Expired, false),
    ] {
        let now = NOW_MS + age_s * 1000;
        assert_eq!((keys.state(now), keys.usable(now).is_some()), (state, usable), "{age_s}");
    }
}

#[test]
fn without_keys_the_issuer_is_asked_at_once_and_then_every_second() {
    let mut keys = empty();
    assert_eq!(keys.fetch_due(NOW_MS), Some(Due::NoKeys));
    keys.fetch_started(NOW_MS);
    assert_eq!(keys.fetch_due(NOW_MS + 500), None, "a fetch is running");
    keys.fetch_failed(NOW_MS + 500);
    for failures in 1..10 {
        assert_eq!(keys.fetch_due(NOW_MS + 1499), None, "{failures}");
        assert_eq!(keys.fetch_due(NOW_MS + 1500), Some(Due::NoKeys), "{failures}");
        keys.fetch_failed(NOW_MS + 500);
    }
}

#[test]
fn a_host_that_is_still_starting_is_asked_again_at_once_and_told_of_when_it_stays_so() {
    let mut keys = empty();
    let told: Vec<bool> = (0..40)
        .map(|tick| {
            assert_eq!(keys.fetch_due(NOW_MS + tick), Some(Due::NoKeys));
            keys.fetch_started(NOW_MS + tick);
            keys.fetch_not_started()
        })
        .collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
    assert!(!told[..10].contains(&true));
}

#[test]
fn with_keys_the_issuer_is_asked_each_minute_and_ever_less_while_it_fails() {
    let mut keys = fetched(&["a"], NOW_MS);
    assert_eq!(keys.fetch_due(NOW_MS + 59_999), None);
    let mut now = NOW_MS + 60_000;
    assert_eq!(keys.fetch_due(now), Some(Due::Age));
    for pause_s in [2, 4, 8, 16, 30, 30, 30] {
        keys.fetch_started(now);
        keys.fetch_failed(now);
        assert_eq!(keys.fetch_due(now + pause_s * 1000 - 1), None, "{pause_s}");
        now += pause_s * 1000;
        assert_eq!(keys.fetch_due(now), Some(Due::Age), "{pause_s}");
    }
    keys.fetch_started(now);
    keys.fetched(set(&["a"]), now);
    assert_eq!(keys.fetch_due(now + 59_999), None);
    assert_eq!(keys.fetch_due(now + 60_000), Some(Due::Age));
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let mut keys = empty();
    keys.fetch_started(NOW_MS);
    assert_eq!(keys.fetch_due(NOW_MS + 3999), None);
    assert_eq!(keys.fetch_due(NOW_MS + 4000), Some(Due::NoKeys));
}

#[test]
fn the_first_failure_in_a_row_is_news() {
    let mut keys = empty();
    assert!(keys.fetch_failed(NOW_MS));
    assert!(!keys.fetch_failed(NOW_MS + 1000));
    keys.fetched(set(&["a"]), NOW_MS + 2000);
    assert!(keys.fetch_failed(NOW_MS + 62_000));
}

#[test]
fn a_failing_fetch_leaves_the_keys_as_they_are() {
    let mut keys = fetched(&["a"], NOW_MS);
    keys.fetch_started(NOW_MS + 60_000);
    keys.fetch_failed(NOW_MS + 60_100);
    assert!(keys.usable(NOW_MS + 60_100).is_some());
    assert_eq!(keys.asked_ms(), Some(NOW_MS));
}

#[test]
fn a_set_is_as_old_as_its_request_not_its_answer() {
    let mut keys = empty();
    keys.fetch_started(NOW_MS);
    assert!(keys.fetched(set(&["a"]), NOW_MS + 1500));
    assert_eq!(keys.asked_ms(), Some(NOW_MS));
}

#[test]
fn only_other_keys_count_as_a_change() {
    let mut keys = fetched(&["a"], NOW_MS);
    keys.fetch_started(NOW_MS + 1);
    assert!(!keys.fetched(set(&["a"]), NOW_MS + 1));
    keys.fetch_started(NOW_MS + 2);
    assert!(keys.fetched(set(&["a", "b"]), NOW_MS + 2));
}

#[test]
fn another_workers_set_is_taken_when_it_is_newer_and_not_from_the_future() {
    let mut keys = fetched(&["a"], NOW_MS);
    assert!(!keys.adopt(set(&["b"]), NOW_MS, NOW_MS + 10), "not newer");
    assert!(!keys.adopt(set(&["b"]), NOW_MS + 11, NOW_MS + 10), "from the future");
    assert!(keys.adopt(set(&["b"]), NOW_MS + 5, NOW_MS + 10));
    assert_eq!(keys.asked_ms(), Some(NOW_MS + 5));
    assert!(empty().adopt(set(&["b"]), NOW_MS, NOW_MS));
}

#[test]
fn an_unknown_key_is_wrong_only_once_a_set_asked_for_later_lacks_it() {
    let mut keys = fetched(&["a"], NOW_MS);
    let seen = NOW_MS + 20_000;
    assert_eq!(keys.judge_unknown("new", seen), UnknownKid::PerhapsNew);
    assert_eq!(keys.judge_unknown("new", seen + 100), UnknownKid::PerhapsNew);
    assert_eq!(keys.fetch_due(seen + 200), Some(Due::UnknownKid), "on the next tick");
    keys.fetch_started(seen + 200);
    assert_eq!(keys.judge_unknown("new", seen + 250), UnknownKid::PerhapsNew, "no answer yet");
    keys.fetched(set(&["a"]), seen + 300);
    assert_eq!(keys.judge_unknown("new", seen + 400), UnknownKid::Wrong);
    assert_eq!(keys.fetch_due(seen + 400), None);
    assert_eq!(keys.judge_unknown("newer", seen + 400), UnknownKid::PerhapsNew, "each id for itself");
}

#[test]
fn a_rotation_right_after_a_fetch_is_looked_for_at_once_but_the_next_one_is_not() {
    let mut keys = fetched(&["a"], NOW_MS);
    keys.judge_unknown("b", NOW_MS + 100);
    assert_eq!(keys.fetch_due(NOW_MS + 200), Some(Due::UnknownKid));
    keys.fetch_started(NOW_MS + 200);
    keys.fetched(set(&["a", "b"]), NOW_MS + 250);
    keys.judge_unknown("c", NOW_MS + 300);
    assert!(keys.wants_newer(NOW_MS + 400));
    assert_eq!(keys.fetch_due(NOW_MS + 10_199), None);
    assert_eq!(keys.fetch_due(NOW_MS + 10_200), Some(Due::UnknownKid));
}

#[test]
fn a_wrong_key_is_looked_for_again_later() {
    let mut keys = fetched(&["a"], NOW_MS);
    keys.judge_unknown("new", NOW_MS + 20_000);
    keys.fetch_started(NOW_MS + 20_100);
    keys.fetched(set(&["a"]), NOW_MS + 20_100);
    assert_eq!(keys.judge_unknown("new", NOW_MS + 30_099), UnknownKid::Wrong);
    assert_eq!(keys.judge_unknown("new", NOW_MS + 30_100), UnknownKid::PerhapsNew);
    assert_eq!(keys.fetch_due(NOW_MS + 30_100), Some(Due::UnknownKid));
}

#[test]
fn a_set_that_was_on_its_way_when_the_key_was_seen_proves_nothing() {
    let mut keys = fetched(&["a"], NOW_MS);
    keys.fetch_started(NOW_MS + 60_000);
    assert_eq!(keys.judge_unknown("new", NOW_MS + 60_001), UnknownKid::PerhapsNew);
    keys.fetched(set(&["a"]), NOW_MS + 60_500);
    assert_eq!(keys.judge_unknown("new", NOW_MS + 60_600), UnknownKid::PerhapsNew);
    assert_eq!(keys.fetch_due(NOW_MS + 60_600), Some(Due::UnknownKid));
}

#[test]
fn a_clock_that_was_set_back_makes_the_age_unknown_and_the_keys_asked_for() {
    let keys = fetched(&["a"], NOW_MS);
    assert!(keys.usable(NOW_MS - 3_600_000).is_some());
    assert_eq!(keys.fetch_due(NOW_MS - 3_600_000), Some(Due::Age));
}

proptest! {
    /// The issuer answers everything at once and never has the keys that are asked for.
    #[test]
    fn a_flood_of_invented_key_ids_costs_the_issuer_one_request_more_per_ten_seconds(
        steps in prop::collection::vec((0_u64..3000, prop::collection::vec("[a-z0-9]{1,8}", 0..20)), 1..200),
    ) {
        let mut keys = fetched(&["a"], NOW_MS);
        let mut now = NOW_MS;
        let mut fetches = 0_u64;
        for (pause_ms, kids) in steps {
            now += pause_ms;
            for kid in kids {
                keys.judge_unknown(&format!("x{kid}"), now);
            }
            if keys.fetch_due(now).is_some() {
                fetches += 1;
                keys.fetch_started(now);
                keys.fetched(set(&["a"]), now);
            }
        }
        // The first may be at once; the refreshes come on top.
        prop_assert!(fetches <= 1 + (now - NOW_MS) / 10_000 + (now - NOW_MS) / 60_000, "{fetches} in {} ms", now - NOW_MS);
    }

    /// Whatever else happens, a key the issuer has is never called wrong for longer than it takes to look.
    #[test]
    fn a_rotated_key_is_never_called_wrong(
        before in prop::collection::vec((0_u64..30_000, 0_usize..5), 0..50), rotation_ms in 0_u64..100_000,
    ) {
        let mut keys = fetched(&["a"], NOW_MS);
        let mut now = NOW_MS;
        let mut rotated = false;
        for (pause_ms, noise) in before {
            now += pause_ms;
            rotated |= now >= NOW_MS + rotation_ms;
            for n in 0..noise {
                keys.judge_unknown(&format!("noise-{n}"), now);
            }
            if keys.fetch_due(now).is_some() {
                keys.fetch_started(now);
                keys.fetched(if rotated { set(&["a", "new"]) } else { set(&["a"]) }, now);
            } else if rotated {
                // The verifier asks only about keys that are not in the set.
                let known = keys.usable(now).is_some_and(|keys| keys.len() == 2);
                prop_assert!(known || keys.judge_unknown("new", now) == UnknownKid::PerhapsNew);
            }
        }
    }
}
