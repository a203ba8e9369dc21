//! Webhooks: signed, in any order, any number of times.

use std::sync::Arc;

use jobzy_testkit::both_databases;
use jobzy_testkit::sidecar::until;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::stripe::Fault;
use super::world::{World, sign};

/// All that must be the same however a state was reached.
async fn state(world: &World, job: jobzy_ids::JobId) -> (Value, Vec<String>, usize) {
    let mut payment = world.payment(job).await;
    let entries = world.ledger(&payment).await;
    for own in ["id", "job_id", "created_at", "updated_at", "stripe_payment_intent"] {
        payment.as_object_mut().unwrap().remove(own);
    }
    (payment, world.told(job).await, entries.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_and_answer_lead_to_the_same_state_in_either_order() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let mut states = Vec::new();
        for webhook_first in [true, false] {
            let job = world.job();
            world.accept(job, "pm_card_visa").await;
            world.until_status(job, "authorised").await;
            let gate = Arc::new(Semaphore::new(0));
            world.stripe.fail_next(Fault::Late(Arc::clone(&gate)));
            world.complete(job).await;
            let of_job = || {
                world
                    .stripe
                    .intents()
                    .into_iter()
                    .find(|intent| intent["metadata"]["job_id"] == job.to_string())
                    .unwrap()
            };
            until("Stripe has captured", async || of_job()["status"] == "succeeded").await;
            if !webhook_first {
                gate.add_permits(1);
                world.until_status(job, "captured").await;
            }
            for id in ["evt_a", "evt_a", "evt_b"] {
                let id = format!("{id}_{webhook_first}");
                assert_eq!(world.webhook(&id, "payment_intent.succeeded", &of_job()).await.status, 200);
            }
            assert_eq!(world.payment(job).await["status"], "captured");
            gate.add_permits(1);
            world.until_quiet().await;
            states.push(state(&world, job).await);
        }
        assert_eq!(states[0], states[1]);
        assert_eq!(states[0].2, 6, "four entries of the capture, two of the fee");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_webhook_does_not_take_anything_back() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        let held = world.stripe.intents()[0].clone();
        world.complete(job).await;
        world.until_status(job, "captured").await;
        world.until_quiet().await;
        let before = state(&world, job).await;
        let reply = world.webhook("evt_old", "payment_intent.amount_capturable_updated", &held).await;
        assert_eq!(reply.status, 200);
        world.until_quiet().await;
        assert_eq!(state(&world, job).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_does_not_fit_is_refused() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let now = world.clock.unix_s();
        let body = json!({"id": "evt_1", "type": "x", "data": {"object": {}}}).to_string();
        for header in [
            String::new(),
            sign(&body, now, "whsec_of_somebody_else"),
            sign(&body, now - 301, "whsec_of_the_tests"),
            sign("{}", now, "whsec_of_the_tests"),
        ] {
            let reply = world.raw_webhook(&header, body.clone()).await;
            assert_eq!(
                (reply.status, reply.json::<Value>()["type"].as_str()),
                (400, Some("urn:jobzy:problem:invalid-signature"))
            );
        }
        // While a secret is replaced, both are good.
        for secret in ["whsec_of_before", "whsec_of_the_tests"] {
            assert_eq!(world.raw_webhook(&sign(&body, now, secret), body.clone()).await.status, 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_means_nothing_to_us_is_taken_and_changes_nothing() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let strange = json!({"object": "payment_intent", "id": "pi_foreign", "status": "succeeded", "amount": 1, "currency": "eur"});
        let named = json!({
            "object": "payment_intent", "id": "pi_x", "status": "succeeded", "amount": 1, "currency": "eur",
            "metadata": {"payment_id": "pay_00000000000000000000000000000000"},
        });
        for (id, kind, object) in [
            ("evt_1", "customer.created", json!({"object": "customer", "id": "cus_1"})),
            ("evt_2", "payment_intent.succeeded", strange),
            ("evt_3", "payment_intent.succeeded", named),
            ("evt_4", "payment_intent.succeeded", json!({"object": "payment_intent", "id": "pi_short"})),
        ] {
            let reply = world.webhook(id, kind, &object).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_over_another_amount_is_not_believed() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        let mut intent = world.stripe.intents()[0].clone();
        intent["amount"] = json!(1);
        intent["amount_received"] = json!(1);
        intent["status"] = json!("succeeded");
        assert_eq!(world.webhook("evt_1", "payment_intent.succeeded", &intent).await.status, 200);
        assert_eq!(world.payment(job).await["status"], "authorised");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_made_by_hand_at_stripe_and_one_that_bounces_are_booked() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, payment) = world.paid().await;
        let intent = payment["stripe_payment_intent"].as_str().unwrap();
        let refund = |status: &str| json!({"object": "refund", "id": "re_hand", "status": status, "amount": 3000, "currency": "eur", "payment_intent": intent});
        world.webhook("evt_1", "refund.created", &refund("succeeded")).await;
        world.until_status(job, "partially_refunded").await;
        world.webhook("evt_2", "refund.failed", &refund("failed")).await;
        let payment = world.until_status(job, "captured").await;
        assert_eq!(payment["refunded_minor"], 0);
        let entries = world.ledger(&payment).await;
        super::world::assert_balanced(&entries);
        assert_eq!(super::world::balances(&entries)["provider_payable"], -12_750);
        assert!(world.told(job).await.contains(&"payment_refund_failed".to_owned()));
    })
    .await;
}
