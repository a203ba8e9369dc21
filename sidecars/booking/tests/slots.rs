//! A provider's time belongs to one job.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{START, assert_refused, start};
use futures::future::join_all;
use jiff::SignedDuration;
use jobzy_testkit::both_databases;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_want_one_slot_exactly_one_gets_it() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let jobs = join_all((0..100).map(|_| sidecar.draft("customer", START))).await;
        let replies = join_all(jobs.iter().map(|job| sidecar.submit(job, Some(&provider)))).await;
        let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 99));
        assert_eq!(won[0].json::<Value>()["status"], "offered");
        for reply in lost {
            assert_refused(reply, 409, "slot-taken");
        }
        let drafts: Value = sidecar.get("customer", "/api/v1/jobs?status=draft").await.json();
        assert_eq!(drafts["jobs"].as_array().expect("jobs").len(), 50, "a page of those who lost");
        assert!(drafts["next"].is_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_choice_rivals_are_shared_out_among_the_providers() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.provider("provider").await;
        sidecar.provider("provider2").await;
        let jobs = join_all((0..20).map(|_| sidecar.draft("customer", START))).await;
        let replies = join_all(jobs.iter().map(|job| sidecar.submit(job, None))).await;
        let jobs: Vec<Value> = replies.iter().map(jobzy_testkit::http::Reply::json).collect();
        let mut providers: Vec<&str> =
            jobs.iter().filter_map(|job| job["provider"]["name"].as_str()).collect();
        providers.sort_unstable();
        assert_eq!(providers, ["provider", "provider2"]);
        assert_eq!(jobs.iter().filter(|job| job["status"] == "requested").count(), 18);
    })
    .await;
}

#[tokio::test]
async fn the_way_between_two_jobs_is_kept_free() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let first = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&first, Some(&provider)).await.status, 200);
        for (starts_at, free) in [
            ("2026-11-24T06:00:00Z", false),
            ("2026-11-24T08:30:00Z", false),
            ("2026-11-24T10:15:00Z", false),
            ("2026-11-24T10:30:00Z", true),
        ] {
            let job = sidecar.draft("customer", starts_at).await;
            let reply = sidecar.submit(&job, Some(&provider)).await;
            assert_eq!(reply.status == 200, free, "{starts_at}: {}", reply.text());
            assert!(!sidecar.free(&provider).await.contains(&starts_at.to_owned()), "{starts_at}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_called_off_or_declined_or_done_early_is_free_again() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let all = sidecar.free(&provider).await;

        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        assert!(sidecar.free(&provider).await.len() < all.len());
        sidecar.leads_to("customer", &job, "cancel", json!({"reason": "not needed"}), "cancelled").await;
        assert_eq!(sidecar.free(&provider).await, all);

        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        assert_eq!(sidecar.act("provider", &job, "reject", &json!({"reason": "ill"})).await.status, 200);
        assert_eq!(sidecar.free(&provider).await, all);

        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        sidecar.leads_to("provider", &job, "accept", json!({}), "accepted").await;
        assert_eq!(sidecar.news(1, "payment_authorised", &job, "authorised").await.status, 204);
        sidecar.leads_to("provider", &job, "check-in", json!({}), "in_progress").await;
        // Tuesday, half past ten in Finland: an hour and a half after the beginning.
        sidecar.later(SignedDuration::from_mins(22 * 60 + 30));
        let total = sidecar.job("customer", &job).await["total_minor"].clone();
        let split = json!({"labour_minor": total, "material_minor": 0, "travel_minor": 0});
        sidecar.leads_to("provider", &job, "finish", split, "work_done").await;
        let free = sidecar.free(&provider).await;
        assert_eq!(
            free.first().map(String::as_str),
            Some("2026-11-24T09:00:00Z"),
            "the cell that runs now is over"
        );
    })
    .await;
}
