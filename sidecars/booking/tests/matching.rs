//! Who is asked, and who is not.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{JOBS, ME, START, assert_refused, profile, start};
use jobzy_testkit::both_databases;
use serde_json::{Value, json};

#[tokio::test]
async fn the_nearer_is_asked_first_and_after_their_no_the_next() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let mut far = profile("far");
        far["lat"] = json!(60.30);
        let far = sidecar.provider_with("provider", &far).await;
        let near = sidecar.provider_with("provider2", &profile("near")).await;
        let job = sidecar.draft("customer", START).await;
        let path = format!("{JOBS}/{job}/candidates");
        let shown: Value = sidecar.get("customer", &path).await.json();
        let ids: Vec<&Value> = shown["candidates"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["provider"]["id"])
            .collect();
        assert_eq!(ids, [&json!(near), &json!(far)]);
        let parts = shown["candidates"][0]["features"].as_array().expect("features");
        let sum: f64 = parts.iter().filter_map(|part| part["contribution"].as_f64()).sum();
        assert!((sum - shown["candidates"][0]["score"].as_f64().expect("a score")).abs() < 1e-3, "{shown}");

        assert_eq!(sidecar.submit(&job, None).await.json::<Value>()["provider"]["id"], json!(near));
        let declined = sidecar.act("provider2", &job, "reject", &json!({})).await;
        assert_eq!((declined.status, declined.json::<Value>()), (200, json!({"id": job, "rejected": true})));
        let next = sidecar.job("customer", &job).await;
        assert_eq!(next["provider"]["id"], json!(far));
        assert_refused(&sidecar.get("provider2", &format!("{JOBS}/{job}")).await, 404, "not-found");
        assert_eq!(sidecar.act("provider", &job, "reject", &json!({})).await.status, 200);
        assert_eq!(sidecar.job("customer", &job).await["status"], "requested");
        let all: Value = sidecar.get("operator", &path).await.json();
        for one in all["candidates"].as_array().expect("a list") {
            assert_eq!(one["unfit"], json!(["declined"]), "{all}");
        }
        let told = ["created", "offered", "offered", "rejected", "rejected", "submitted"];
        assert_eq!(sidecar.told().await, told);

        // Nobody is left; the customer may try again, and whoever has declined is not asked twice.
        assert_eq!(sidecar.submit(&job, None).await.json::<Value>()["status"], "requested");
        let moved = profile("another");
        sidecar.provider_with("provider", &moved).await;
        assert_eq!(sidecar.submit(&job, None).await.json::<Value>()["status"], "requested");
    })
    .await;
}

#[tokio::test]
async fn a_chosen_provider_who_cannot_is_refused_with_the_reasons() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let cases = [
            (json!({"services": ["window-cleaning"]}), "service_not_offered"),
            (json!({"lat": 62.0}), "too_far"),
            (json!({"weekly_hours": {"mon": ["08:00", "20:00"]}}), "outside_hours"),
        ];
        for (change, reason) in cases {
            let mut profile = profile("provider");
            profile
                .as_object_mut()
                .expect("an object")
                .extend(change.as_object().expect("an object").clone());
            let provider = sidecar.provider_with("provider", &profile).await;
            let job = sidecar.draft("customer", START).await;
            let reply = sidecar.submit(&job, Some(&provider)).await;
            assert_refused(&reply, 422, "provider-unsuitable");
            assert_eq!(reply.json::<Value>()["unfit"], json!([reason]));
            assert_eq!(sidecar.job("customer", &job).await["status"], "draft");
        }
        let job = sidecar.draft("customer", START).await;
        let nobody = format!("prv_{:032x}", 1);
        assert_refused(&sidecar.submit(&job, Some(&nobody)).await, 422, "provider-unsuitable");
    })
    .await;
}

#[tokio::test]
async fn a_profile_is_checked_and_kept() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        assert_refused(&sidecar.get("provider", ME).await, 404, "not-found");
        for change in [
            json!({"business_id": "0112038-8"}),
            json!({"radius_km": 0}),
            json!({"services": []}),
            json!({"services": ["No Code"]}),
            json!({"lat": 10.0}),
            json!({"name": ""}),
            json!({"iban": "FI2112345600000786"}),
            json!({"address": {"street": "Street 1", "postal_code": "0050", "city": "Helsinki"}}),
        ] {
            let mut profile = profile("provider");
            profile
                .as_object_mut()
                .expect("an object")
                .extend(change.as_object().expect("an object").clone());
            assert_refused(&sidecar.put("provider", ME, &profile).await, 422, "invalid-request");
        }
        let mut hours = profile("provider");
        hours["weekly_hours"]["mon"] = json!(["20:00", "08:00"]);
        assert_eq!(sidecar.put("provider", ME, &hours).await.status, 422);
        assert_refused(&sidecar.put("customer", ME, &profile("x")).await, 403, "forbidden");

        let id = sidecar.provider("provider").await;
        let mut changed = profile("Another name");
        changed["services"] = json!(["window-cleaning", "home-cleaning", "home-cleaning"]);
        changed["address"] = json!({"street": "Street 1", "postal_code": "00500", "city": "Helsinki"});
        changed["iban"] = json!("FI21 1234 5600 0007 85");
        assert_eq!(sidecar.provider_with("provider", &changed).await, id, "one provider per subject");
        let own: Value = sidecar.get("provider", ME).await.json();
        assert_eq!(own["services"], json!(["home-cleaning", "window-cleaning"]));
        assert_eq!(own["iban"], "FI2112345600000785");
        assert_eq!(own["address"], changed["address"]);
        assert_eq!(own["lat"], 60.18);
        let public: Value = sidecar.get("customer", &format!("/api/v1/providers/{id}")).await.json();
        assert_eq!(public["name"], "Another name");
        assert!(public.get("iban").is_none() && public.get("lat").is_none(), "{public}");
    })
    .await;
}
