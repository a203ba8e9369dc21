//! Who may see and do what, refunds by hand, and the description of the API.

use jobzy_testkit::both_databases;
use jobzy_testkit::openapi::assert_lists_the_routes;
use serde_json::{Value, json};

use super::world::{TOTAL, World, assert_balanced, balances, sale};

#[test]
fn the_openapi_document_lists_the_routes() {
    assert_lists_the_routes(jobzy_sidecar_payment::OPENAPI, include_str!("../../src/lib.rs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_payment_and_invoice_are_not_there() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, payment) = world.paid().await;
        let payment = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
        let of_job = |what: &str| format!("/api/v1/{what}?job_id={job}");
        let invoices: Value = world.get("customer", &of_job("invoices")).await.json();
        let invoice = format!("/api/v1/invoices/{}", invoices["invoices"][0]["id"].as_str().unwrap());
        let pdf = format!("{invoice}/pdf");
        for (user, path, status) in [
            ("customer", payment.as_str(), 200),
            ("customer2", &payment, 404),
            ("provider", &payment, 403),
            ("finance", &payment, 200),
            ("operator", &payment, 200),
            ("customer", &invoice, 200),
            ("provider", &invoice, 200),
            ("customer2", &invoice, 404),
            ("provider2", &invoice, 404),
            ("pricing-admin", &invoice, 403),
            ("customer", &pdf, 200),
            ("provider2", &pdf, 404),
            ("customer", &format!("{payment}/ledger"), 403),
            ("operator", &format!("{payment}/ledger"), 200),
            ("finance", "/api/v1/payments/pay_00000000000000000000000000000000/ledger", 404),
            ("finance", "/api/v1/payments/pay_x", 404),
            ("finance", "/api/v1/payments?job=1", 400),
        ] {
            assert_eq!(world.get(user, path).await.status, status, "{user} {path}");
        }
        for (user, what, count) in [
            ("customer", "payments", 1),
            ("customer2", "payments", 0),
            ("customer2", "invoices", 0),
            ("provider", "invoices", 1),
            ("provider2", "invoices", 0),
        ] {
            for path in [of_job(what), format!("/api/v1/{what}")] {
                let body: Value = world.get(user, &path).await.json();
                assert_eq!(body[what].as_array().unwrap().len(), count, "{user} {path}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken_from_services_only() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let event = world.event("job_accepted", sale(world.job()));
        let reply = world
            .post(
                "customer",
                "/internal/events",
                "k",
                &serde_json::from_str(&event.to_json().unwrap()).unwrap(),
            )
            .await;
        assert_eq!(reply.status, 403, "{}", reply.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_given_back_in_parts_up_to_what_was_taken() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, payment) = world.paid().await;
        let path = format!("/api/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
        let wanted = |amount: i64| json!({"amount_minor": amount, "reason": "late"});
        let first = world.post("finance", &path, "one", &wanted(5000)).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let again = world.post("finance", &path, "one", &wanted(5000)).await;
        assert_eq!(
            (again.status, again.body.clone(), again.header("idempotency-replayed")),
            (201, first.body.clone(), Some("true"))
        );
        assert_eq!(world.post("finance", &path, "one", &wanted(5001)).await.status, 422);
        let payment = world.until_status(job, "partially_refunded").await;
        assert_eq!(payment["refunded_minor"], 5000);
        assert_eq!(payment["refunds"][0]["id"], first.json::<Value>()["id"]);
        for (user, key, body, status, slug) in [
            ("finance", "two", wanted(TOTAL - 4999), 422, "refund-too-large"),
            ("finance", "two", wanted(0), 422, "invalid-refund"),
            ("finance", "two", wanted(-1), 422, "invalid-refund"),
            ("finance", "two", json!({"amount_minor": 1, "reason": " "}), 422, "invalid-refund"),
            ("customer", "two", wanted(1), 403, "forbidden"),
        ] {
            let reply = world.post(user, &path, key, &body).await;
            let told = reply.json::<Value>()["type"].as_str().unwrap().to_owned();
            assert_eq!((reply.status, told), (status, format!("urn:jobzy:problem:{slug}")), "{body}");
        }
        // Two at once that together are more than is left: one of them is refused.
        let half = wanted((TOTAL - 5000) / 2 + 1);
        let (a, b) =
            tokio::join!(world.post("finance", &path, "a", &half), world.post("operator", &path, "b", &half));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
        world.until_quiet().await;
        let rest = wanted((TOTAL - 5000) / 2 - 1);
        assert_eq!(world.post("finance", &path, "rest", &rest).await.status, 201);
        let payment = world.until_status(job, "refunded").await;
        world.until_quiet().await;
        assert_eq!(world.stripe.refunds().len(), 3);
        let entries = world.ledger(&payment).await;
        assert_balanced(&entries);
        assert_eq!(
            balances(&entries),
            [("psp_fee".to_owned(), 250), ("stripe_balance".to_owned(), -250)].into()
        );
        let refunds = world.told(job).await.iter().filter(|fact| *fact == "payment_refunded").count();
        assert_eq!(refunds, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_cannot_be_given_back() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        world.accept(job, "pm_card_visa").await;
        let payment = world.until_status(job, "authorised").await;
        let path = format!("/api/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
        let reply = world.post("finance", &path, "k", &json!({"amount_minor": 1, "reason": "late"})).await;
        assert_eq!(reply.json::<Value>()["type"], "urn:jobzy:problem:nothing-captured");
        let nowhere = "/api/v1/payments/pay_00000000000000000000000000000000/refunds";
        assert_eq!(
            world.post("finance", nowhere, "k", &json!({"amount_minor": 1, "reason": "late"})).await.status,
            404
        );
    })
    .await;
}
