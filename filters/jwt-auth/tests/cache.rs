//! The cache of verified tokens: what it returns, and how large it gets.
#![cfg(test)]

use std::collections::HashMap;
use std::rc::Rc;

use jobzy_jwt_auth::cache::TokenCache;
use jobzy_token::Claims;
use proptest::prelude::*;

fn claims(subject: &str, expires_at_s: i64) -> Rc<Claims> {
    Rc::new(Claims { subject: subject.to_owned(), roles: Vec::new(), client: None, name: None, expires_at_s })
}

#[test]
fn it_holds_a_bounded_number_of_tokens_and_keeps_those_in_use() {
    let mut cache = TokenCache::default();
    cache.put("used", claims("used", 1000));
    for n in 0..100_000 {
        cache.put(&format!("token-{n}"), claims("other", 1000));
        assert!(cache.get("used", 0, 0).is_some(), "{n}");
        assert!(cache.len() <= 2048, "{n}");
    }
    assert!(cache.get("token-0", 0, 0).is_none());
}

#[test]
fn it_holds_a_bounded_number_of_bytes() {
    let mut cache = TokenCache::default();
    for n in 0..2000 {
        cache.put(&format!("{n:08}{}", "x".repeat(8000)), claims("a", 1000));
        assert!(cache.len() * 8008 <= 4 * 1024 * 1024 + 8008, "{}", cache.len());
    }
}

#[test]
fn an_expired_token_is_not_returned() {
    let mut cache = TokenCache::default();
    cache.put("t", claims("a", 100));
    assert!(cache.get("t", 129, 30).is_some());
    assert!(cache.get("t", 130, 30).is_none());
}

#[test]
fn clearing_forgets_both_generations() {
    let mut cache = TokenCache::default();
    for n in 0..1500 {
        cache.put(&format!("{n}"), claims("a", 100));
    }
    cache.clear();
    assert!(cache.is_empty() && cache.get("0", 0, 0).is_none() && cache.get("1499", 0, 0).is_none());
}

proptest! {
    #[test]
    fn a_token_only_ever_gives_its_own_claims(
        steps in prop::collection::vec(("[ab]{1,3}", any::<bool>(), 0_i64..50), 1..300),
    ) {
        let mut cache = TokenCache::default();
        let mut model: HashMap<String, i64> = HashMap::new();
        for (token, store, at) in steps {
            if store {
                cache.put(&token, claims(&token, at));
                model.insert(token, at);
            } else if let Some(found) = cache.get(&token, at, 0) {
                prop_assert_eq!(&found.subject, &token);
                prop_assert_eq!(Some(&found.expires_at_s), model.get(&token));
                prop_assert!(at < found.expires_at_s);
            } else {
                prop_assert!(model.get(&token).is_none_or(|expires| at >= *expires));
            }
        }
    }
}
