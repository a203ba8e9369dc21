//! Calls that fail, and calls of which nobody knows: they end in one intent, one capture, one refund.

use jobzy_store::args;
use jobzy_testkit::both_databases;
use jobzy_testkit::proxy::{Cut, Proxy};
use serde_json::{Value, json};

use super::stripe::{Fault, Stripe};
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_intent_was_made_ends_in_that_intent() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.stripe.fail_next(Fault::ErrorAfterwards);
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        world.until_quiet().await;
        assert_eq!(world.stripe.intents().len(), 1);
        assert_eq!(world.told(job).await, ["payment_authorised", "payment_created"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_stripe_repeats_without_an_intent_fails_the_payment_at_last() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.stripe.fail_next(Fault::Error);
        world.accept(job, "pm_card_visa").await;
        let payment = world.until_status(job, "failed").await;
        assert_eq!(payment["failure"], "api_error");
        world.until_quiet().await;
        assert!(world.stripe.intents().is_empty());
        assert!(world.stripe.posts().len() >= 3, "given up too soon: {:?}", world.stripe.posts());
        assert_eq!(world.told(job).await, ["payment_created", "payment_failed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_out() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.stripe.fail_next(Fault::RateLimit);
        world.stripe.fail_next(Fault::RateLimit);
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        assert_eq!(world.stripe.intents().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_before_or_after_the_call_ends_in_one_of_each() {
    both_databases(|url| async {
        let stripe = Stripe::start().await;
        let proxy = Proxy::start(stripe.port).await;
        let world = World::behind(url, stripe, &format!("http://127.0.0.1:{}", proxy.port())).await;
        let cuts: [fn(&'static str) -> Cut; 2] = [Cut::Before, Cut::After];
        for (round, cut) in (1_usize..).zip(cuts) {
            let job = world.job();
            proxy.cut_once(cut("POST /v1/payment_intents "));
            world.accept(job, "pm_card_visa").await;
            world.until_status(job, "authorised").await;
            proxy.cut_once(cut("/capture"));
            world.complete(job).await;
            let payment = world.until_status(job, "captured").await;
            world.until_quiet().await;
            proxy.cut_once(cut("POST /v1/refunds"));
            let path = format!("/api/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
            let wanted = json!({"amount_minor": 1000, "reason": "late"});
            let reply = world.post("finance", &path, &format!("k{round}"), &wanted).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
            let payment = world.until_status(job, "partially_refunded").await;
            world.until_quiet().await;
            assert_eq!(payment["refunded_minor"], 1000);
            assert_eq!((world.stripe.intents().len(), world.stripe.refunds().len()), (round, round));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_while_cancelling_is_settled_by_asking() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        world.stripe.fail_next(Fault::ErrorAfterwards);
        world.cancel(job).await;
        world.until_status(job, "voided").await;
        world.until_quiet().await;
        let cancels = world.stripe.posts().iter().filter(|path| path.ends_with("/cancel")).count();
        assert_eq!(cancels, 1, "what was done is not sent again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_left_behind_by_a_dead_process_is_asked_for_before_it_is_sent() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        world.until_status(job, "authorised").await;
        world.until_quiet().await;
        // As a process leaves it that died between the call and its answer.
        let row = world.db.fetch_optional("SELECT state FROM payments", args![]).await.unwrap().unwrap();
        let mut state: Value = serde_json::from_str(&row.text("state").unwrap()).unwrap();
        for (name, nothing) in
            [("intent_id", json!(null)), ("charge_id", json!(null)), ("authorised_minor", json!(0))]
        {
            state["attempts"][0][name] = nothing;
        }
        world.db.execute("UPDATE payments SET state = ?", args![state.to_string()]).await.unwrap();
        assert_eq!(world.payment(job).await["status"], "created");
        let due = "UPDATE operations SET state = 'pending', is_open = 1, due_at = 0 WHERE kind = 'authorise'";
        world.db.execute(due, args![]).await.unwrap();
        world.until_quiet().await;
        let creations = world.stripe.posts().iter().filter(|path| *path == "payment_intents").count();
        assert_eq!((creations, world.stripe.intents().len()), (1, 1));
        assert_eq!(world.payment(job).await["status"], "authorised");
    })
    .await;
}
