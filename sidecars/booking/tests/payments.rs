//! News of the payment, in any order and any number of times.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{START, Sidecar, bearer, start};
use jobzy_testkit::both_databases;
use serde_json::json;

async fn accepted(sidecar: &Sidecar) -> (String, String) {
    let provider = sidecar.provider("provider").await;
    let job = sidecar.draft("customer", START).await;
    assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
    sidecar.leads_to("provider", &job, "accept", json!({}), "accepted").await;
    (job, provider)
}

#[tokio::test]
async fn a_payment_that_fails_ends_the_job_and_frees_the_time() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (job, provider) = accepted(&sidecar).await;
        let taken = sidecar.free(&provider).await.len();
        assert_eq!(sidecar.news(1, "payment_failed", &job, "failed").await.status, 204);
        assert_eq!(sidecar.job("customer", &job).await["status"], "payment_failed");
        assert!(sidecar.free(&provider).await.len() > taken);
        assert!(sidecar.told().await.contains(&"payment_failed".to_owned()));
        assert_eq!(sidecar.news(2, "payment_authorised", &job, "authorised").await.status, 204);
        let job = sidecar.job("customer", &job).await;
        assert_eq!((&job["status"], &job["payment"]["status"]), (&json!("payment_failed"), &json!("failed")));
    })
    .await;
}

#[tokio::test]
async fn nobody_begins_work_when_the_hold_has_lapsed() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (job, provider) = accepted(&sidecar).await;
        sidecar.news(1, "payment_authorised", &job, "authorised").await;
        let taken = sidecar.free(&provider).await.len();
        assert_eq!(sidecar.news(2, "payment_voided", &job, "voided").await.status, 204);
        assert_eq!(sidecar.job("customer", &job).await["status"], "payment_failed");
        assert_eq!(sidecar.act("provider", &job, "check-in", &json!({})).await.status, 409);
        assert!(sidecar.free(&provider).await.len() > taken);
    })
    .await;
}

#[tokio::test]
async fn old_and_repeated_news_change_nothing() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (job, _) = accepted(&sidecar).await;
        sidecar.news(1, "payment_authorised", &job, "authorised").await;
        let before = sidecar.job("customer", &job).await;
        assert_eq!(sidecar.news(1, "payment_authorised", &job, "authorised").await.status, 204);
        assert_eq!(sidecar.job("customer", &job).await, before, "the same event twice");
        assert_eq!(sidecar.news(2, "payment_created", &job, "created").await.status, 204);
        let after = sidecar.job("customer", &job).await;
        assert_eq!(after["payment"]["status"], "authorised");
        assert_eq!(after["status"], "confirmed");
    })
    .await;
}

#[tokio::test]
async fn news_of_a_job_called_off_meanwhile_does_not_bring_it_back() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (job, _) = accepted(&sidecar).await;
        sidecar.leads_to("provider", &job, "cancel", json!({"reason": "ill"}), "cancelled").await;
        assert_eq!(sidecar.news(1, "payment_authorised", &job, "authorised").await.status, 204);
        assert_eq!(sidecar.news(2, "payment_voided", &job, "voided").await.status, 204);
        let job = sidecar.job("customer", &job).await;
        assert_eq!((&job["status"], &job["cancelled_by"]), (&json!("cancelled"), &json!("provider")));
        assert_eq!(job["payment"]["status"], "voided");
    })
    .await;
}

#[tokio::test]
async fn only_services_tell_news() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let client = jobzy_testkit::http::Client::new();
        let url = format!("{}/internal/events", sidecar.base);
        for (token, status) in [(Some(bearer("operator")), 403), (None, 401)] {
            let headers: Vec<(&str, &str)> =
                token.iter().map(|token| ("authorization", token.as_str())).collect();
            assert_eq!(client.post_json(&url, &headers, &json!({})).await.expect("an answer").status, status);
        }
    })
    .await;
}
