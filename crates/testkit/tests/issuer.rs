//! The shared issuer answers, whichever test asks first and whichever ends first.
#![cfg(feature = "issuer")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

use jobzy_testkit::{http, issuer};
use serde_json::Value;

async fn discovery_names_the_issuer() {
    let issuer = tokio::task::spawn_blocking(issuer::shared).await.expect("it starts");
    let url = format!("{}/.well-known/openid-configuration", issuer.url());
    let document: Value = http::Client::new().get(&url, &[]).await.expect("an answer").json();
    assert_eq!(document["issuer"], issuer.url());
    let token = issuer.token("customer").expect("a demo user");
    assert_eq!(token.split('.').count(), 3);
    let service = issuer.service_token("jobzy-booking").expect("a service client");
    assert_ne!(service, token);
}

#[tokio::test]
async fn one_test_reaches_the_issuer() {
    discovery_names_the_issuer().await;
}

#[tokio::test]
async fn another_test_reaches_the_same_issuer() {
    discovery_names_the_issuer().await;
}
