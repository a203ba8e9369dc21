//! Against the Stripe sandbox of the one-machine stack, whose webhooks come twice and out of order.

use jobzy_local::stripe::{Sandbox, SandboxConfig};
use jobzy_testkit::both_databases;
use jobzy_testkit::http::Client;
use serde_json::{Value, json};

use super::stripe::{KEY, Stripe};
use super::world::{TOTAL, WEBHOOK_SECRET, World, assert_balanced, balances};

struct Bank {
    sandbox: Sandbox,
    client: Client,
}

impl Bank {
    async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        let reply = self.client.post_json(&url, &[], &body).await.unwrap();
        assert!(reply.status < 300, "{}", reply.text());
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let url = format!("{}/v1/{what}?limit=100", self.sandbox.base_url());
        let bearer = format!("Bearer {KEY}");
        let reply = self.client.get(&url, &[("authorization", &bearer)]).await.unwrap();
        reply.json::<Value>()["data"].as_array().unwrap().clone()
    }
}

async fn world(url: String) -> (World, Bank) {
    let config = SandboxConfig {
        secret_key: KEY.to_owned(),
        webhook_secret: WEBHOOK_SECRET.to_owned(),
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start(config).await.unwrap();
    let world = World::behind(url, Stripe::start().await, &sandbox.base_url()).await;
    sandbox.set_webhook_url(Some(format!("{}/webhooks/stripe", world.base)));
    (world, Bank { sandbox, client: Client::new() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_its_way_whatever_the_calls_meet() {
    both_databases(|url| async {
        let (world, bank) = world(url).await;
        bank.control("webhooks", json!({"duplicate": 1, "reorder": true})).await;
        for (round, fault) in (1_usize..).zip(["error", "rate_limit", "drop", "hang"]) {
            let fault = json!({"kind": fault, "count": 1, "delay_ms": 300});
            let job = world.job();
            bank.control("faults", fault.clone()).await;
            world.accept(job, "pm_card_visa").await;
            world.until_status(job, "authorised").await;
            world.until_quiet().await;
            bank.control("faults", fault.clone()).await;
            world.complete(job).await;
            let payment = world.until_status(job, "captured").await;
            world.until_quiet().await;
            bank.control("faults", fault).await;
            let path = format!("/api/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
            let wanted = json!({"amount_minor": TOTAL, "reason": "late"});
            let reply = world.post("finance", &path, &format!("k{round}"), &wanted).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
            let payment = world.until_status(job, "refunded").await;
            world.until_quiet().await;
            assert_eq!(bank.list("payment_intents").await.len(), round);
            assert_eq!(bank.list("refunds").await.len(), round);
            let entries = world.ledger(&payment).await;
            assert_balanced(&entries);
            // 1.5 % and 25 cents: what Stripe kept stays lost.
            assert_eq!(
                balances(&entries),
                [("psp_fee".to_owned(), 250), ("stripe_balance".to_owned(), -250)].into()
            );
            let told = [
                "invoice_issued",
                "payment_authorised",
                "payment_captured",
                "payment_created",
                "payment_refunded",
            ];
            assert_eq!(world.told(job).await, told);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn declines_and_authentication_are_told_apart() {
    both_databases(|url| async {
        let (world, bank) = world(url).await;
        let declined = world.job();
        world.accept(declined, "pm_card_visa_chargeDeclinedInsufficientFunds").await;
        assert_eq!(world.until_status(declined, "failed").await["failure"], "insufficient_funds");
        for (outcome, status) in [("succeed", "authorised"), ("fail", "failed")] {
            let job = world.job();
            world.accept(job, "pm_card_threeDSecure2Required").await;
            let payment = world.until_status(job, "action_needed").await;
            let own: Value = world
                .get("customer", &format!("/api/v1/payments/{}", payment["id"].as_str().unwrap()))
                .await
                .json();
            assert!(own["next_action"]["client_secret"].is_string(), "{own}");
            let intent = payment["stripe_payment_intent"].as_str().unwrap();
            bank.control(&format!("payment_intents/{intent}/authenticate"), json!({"outcome": outcome}))
                .await;
            world.until_status(job, status).await;
            world.until_quiet().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_lapses_is_heard_of() {
    both_databases(|url| async {
        let (world, bank) = world(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        let payment = world.until_status(job, "authorised").await;
        let intent = payment["stripe_payment_intent"].as_str().unwrap();
        bank.control(&format!("payment_intents/{intent}/expire"), json!({})).await;
        world.until_status(job, "voided").await;
        assert!(world.told(job).await.contains(&"payment_voided".to_owned()));
        // The work was done all the same: nobody can be charged, and everybody is told, once.
        for _ in 0..2 {
            world.complete(job).await;
        }
        let told = world.told(job).await;
        assert_eq!(told.iter().filter(|fact| *fact == "payment_uncollectable").count(), 1, "{told:?}");
    })
    .await;
}
