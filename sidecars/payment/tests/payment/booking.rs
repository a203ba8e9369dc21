//! What booking's events do to money.

use jobzy_testkit::both_databases;
use serde_json::json;

use super::world::{TOTAL, World, assert_balanced, balances, completed, sale};

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_job_holds_the_money_once() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        let event = world.event("job_accepted", sale(job));
        for _ in 0..3 {
            assert_eq!(world.deliver("booking", &event).await.status, 204);
        }
        // The same news in another event is no second payment either.
        world.accept(job, "pm_card_visa").await;
        let payment = world.until_status(job, "authorised").await;
        assert_eq!(
            (payment["amount_minor"].as_i64(), payment["captured_minor"].as_i64()),
            (Some(TOTAL), Some(0))
        );
        world.until_quiet().await;
        assert_eq!(world.stripe.intents().len(), 1);
        let intent = &world.stripe.intents()[0];
        assert_eq!(payment["stripe_payment_intent"], intent["id"]);
        assert_eq!(intent["metadata"]["payment_id"], payment["id"]);
        assert_eq!(world.told(job).await, ["payment_authorised", "payment_created"]);
        assert!(world.ledger(&payment).await.is_empty(), "holding moves nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_fails_the_payment_and_leaves_no_open_intent() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa_chargeDeclined").await;
        let payment = world.until_status(job, "failed").await;
        assert_eq!(payment["failure"], "generic_decline");
        world.until_quiet().await;
        assert_eq!(world.stripe.intents()[0]["status"], "canceled");
        assert_eq!(world.told(job).await, ["payment_created", "payment_failed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_method_that_stripe_does_not_know_fails_the_payment() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_nothing").await;
        let payment = world.until_status(job, "failed").await;
        assert_eq!(payment["failure"], "resource_missing");
        assert_eq!(world.told(job).await, ["payment_created", "payment_failed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_authenticates_later_is_heard_of_by_webhook_or_by_asking() {
    both_databases(|url| async {
        let world = World::start(url).await;
        for by_webhook in [true, false] {
            let job = world.job();
            world.accept(job, "pm_card_threeDSecure2Required").await;
            let payment = world.until_status(job, "action_needed").await;
            let path = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
            let action =
                async |user| world.get(user, &path).await.json::<serde_json::Value>()["next_action"].clone();
            assert_eq!(action("customer").await["client_secret"], "hush");
            assert!(action("finance").await.is_null(), "the secret is the customer's");
            let intent = world.stripe.authenticate();
            if by_webhook {
                world.webhook("evt_1", "payment_intent.amount_capturable_updated", &intent).await;
            }
            world.until_status(job, "authorised").await;
            let told = world.told(job).await;
            assert_eq!(told, ["payment_action_required", "payment_authorised", "payment_created"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_job_is_captured_booked_and_invoiced_once() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, payment) = world.paid().await;
        world.complete(job).await;
        world.until_quiet().await;
        assert_eq!(payment["captured_minor"], TOTAL);
        let entries = world.ledger(&payment).await;
        assert_balanced(&entries);
        let expected = [
            ("commission_revenue", -1793),
            ("provider_payable", -12_750),
            ("psp_fee", 250),
            ("stripe_balance", 14_750),
            ("vat_payable", -457),
        ];
        assert_eq!(balances(&entries), expected.map(|(name, sum)| (name.to_owned(), sum)).into());
        let told = ["invoice_issued", "payment_authorised", "payment_captured", "payment_created"];
        assert_eq!(world.told(job).await, told);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_lets_go_of_the_money() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        world.cancel(job).await;
        world.cancel(job).await;
        world.until_status(job, "voided").await;
        world.until_quiet().await;
        assert_eq!(world.stripe.intents()[0]["status"], "canceled");
        assert_eq!(world.told(job).await, ["payment_authorised", "payment_created", "payment_voided"]);
        // What comes after the end changes nothing.
        world.complete(job).await;
        world.until_quiet().await;
        assert_eq!(world.payment(job).await["status"], "voided");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_right_after_or_before_the_acceptance_ends_voided() {
    both_databases(|url| async {
        let world = World::start(url).await;
        for round in 0..6 {
            let job = world.job();
            let accepted = world.event("job_accepted", sale(job));
            let cancelled = world.event("job_cancelled", json!({"job_id": job}));
            match round {
                0 => {
                    world.deliver("booking", &cancelled).await;
                    world.deliver("booking", &accepted).await;
                }
                1 => {
                    world.deliver("booking", &accepted).await;
                    world.deliver("booking", &cancelled).await;
                }
                _ => {
                    let both = tokio::join!(
                        world.deliver("booking", &accepted),
                        world.deliver("booking", &cancelled)
                    );
                    assert_eq!((both.0.status, both.1.status), (204, 204));
                }
            }
            world.until_quiet().await;
            assert_eq!(world.payment(job).await["status"], "voided");
            let held = |intent: &serde_json::Value| {
                intent["metadata"]["job_id"] == job.to_string() && intent["status"] != "canceled"
            };
            assert!(!world.stripe.intents().iter().any(held), "money is held for nobody");
            assert!(world.told(job).await.contains(&"payment_voided".to_owned()), "round {round}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_overtakes_the_acceptance_is_enough() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.complete(job).await;
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "captured").await;
        world.until_quiet().await;
        assert_eq!(world.stripe.intents().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_cancelled_after_it_was_paid_is_refunded_in_full() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, _) = world.paid().await;
        world.cancel(job).await;
        let payment = world.until_status(job, "refunded").await;
        world.until_quiet().await;
        assert_eq!(world.stripe.refunds().len(), 1);
        let entries = world.ledger(&payment).await;
        assert_balanced(&entries);
        // What Stripe kept stays lost.
        let expected = [("psp_fee".to_owned(), 250), ("stripe_balance".to_owned(), -250)];
        assert_eq!(balances(&entries), expected.into());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_paid_for_is_refused_and_leaves_nothing() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        let mut no_method = sale(job);
        no_method.as_object_mut().unwrap().remove("payment_method");
        let mut free = sale(job);
        free["total_minor"] = json!(0);
        let mut other_split = completed(job, &world.clock);
        other_split["split"]["labour_minor"] = json!(1);
        for (fact, data) in
            [("job_accepted", no_method), ("job_accepted", free), ("job_completed", other_split)]
        {
            let reply = world.tell(fact, data).await;
            assert_eq!(reply.status, 422, "{}", reply.text());
        }
        assert!(world.payment(job).await.is_null());
        assert_eq!(world.tell("job_created", json!({"job_id": job})).await.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_money_of_a_job_far_ahead_is_not_asked_for_yet() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let day = jiff::SignedDuration::from_hours(24);
        let job = world.job();
        let mut far = sale(job);
        far["starts_at"] = json!((world.clock.now() + day * 30).to_string());
        assert_eq!(world.tell("job_accepted", far).await.status, 204);
        // One accepted later and nearer is served while it waits.
        let near = world.job();
        let mut soon = sale(near);
        soon["starts_at"] = json!((world.clock.now() + day).to_string());
        assert_eq!(world.tell("job_accepted", soon).await.status, 204);
        world.until_status(near, "authorised").await;
        assert_eq!(world.payment(job).await["status"], "created");
        assert_eq!(world.stripe.intents().len(), 1, "a hold would lapse before the work");
        world.cancel(job).await;
        world.until_status(job, "voided").await;
        assert_eq!(world.stripe.intents().len(), 1);
    })
    .await;
}
