//! What must fail, and how.

use serde_json::{Value, json};

use super::guide::{Answer, Call, Guide};
use super::job::{self, Job, job_body, text};

/// Tries everything that must be refused; one that goes through is noted and the others are tried.
pub async fn walk(guide: &mut Guide<'_>, job: &Job) -> anyhow::Result<()> {
    guide.heading("What must fail")?;
    let slot = job::another_slot(guide, &job.provider).await?;
    let body = job_body(&job.quote, &job.request, &job.place, &slot);
    let jobs = "/api/v1/jobs";
    let key = guide.key();

    let call = Call::post(jobs, body.clone()).header("idempotency-key", guide.key());
    refused(guide, "no token", call, 401, "").await;
    let call = Call::post(jobs, body.clone()).by("provider").header("idempotency-key", guide.key());
    refused(guide, "wrong role: a provider books", call, 403, "").await;
    let ledger = format!("/api/v1/payments/{}/ledger", job.payment);
    let call = Call::get(ledger.clone()).by("customer").header("x-auth-roles", "finance");
    refused(guide, "forged x-auth-roles is ignored", call, 403, "").await;
    let mut tampered = body.clone();
    tampered["quote"]["request"]["quantity"] = json!(1);
    let call = Call::post(jobs, tampered).by("customer").header("idempotency-key", guide.key());
    refused(guide, "tampered quote", call, 422, "quote-mismatch").await;

    let create = |body: Value, user| Call::post(jobs, body).by(user).header("idempotency-key", key.clone());
    let first = guide.ask(create(body.clone(), "customer")).await?.json()?;
    let mut other = body.clone();
    other["notes"] = json!("another body");
    refused(
        guide,
        "same Idempotency-Key, another body",
        create(other, "customer"),
        422,
        "idempotency-key-reused",
    )
    .await;

    let first = text(&first, "id")?;
    let rival =
        guide.ask(Call::post(jobs, body).by("customer2").header("idempotency-key", guide.key())).await?;
    let rival = text(&rival.json()?, "id")?;
    let submit = json!({"payment_method": "pm_card_visa", "provider_id": job.provider});
    job::act(guide, "customer", &first, "submit", submit.clone(), "offered").await?;
    let call = Call::post(format!("{jobs}/{rival}/submit"), submit)
        .by("customer2")
        .header("idempotency-key", guide.key());
    refused(guide, "the same slot twice", call, 409, "slot-taken").await;

    // Leave the calendar as it was found.
    for (user, id) in [("customer", first), ("customer2", rival)] {
        job::act(guide, user, &id, "cancel", json!({"reason": "end of the tour"}), "cancelled").await?;
    }
    guide
        .step("finance: the ledger, by its own right", Call::get(ledger).by("finance"), 200, balanced)
        .await?;
    Ok(())
}

async fn refused(guide: &mut Guide<'_>, what: &str, call: Call, status: u16, slug: &str) {
    let check = |answer: &Answer| {
        let body = answer.json()?;
        let kind = text(&body, "type")?;
        anyhow::ensure!(
            answer.header("content-type") == "application/problem+json",
            "not a problem document"
        );
        anyhow::ensure!(kind.ends_with(slug), "refused for another reason");
        anyhow::ensure!(
            body["correlation_id"] == answer.header("x-correlation-id"),
            "another correlation id inside"
        );
        Ok(kind)
    };
    if let Err(error) = guide.step(what, call, status, check).await {
        guide.note_failure(&error);
    }
}

fn balanced(answer: &Answer) -> anyhow::Result<String> {
    let ledger = answer.json()?;
    let mut sum = 0;
    let mut count = 0;
    for entry in ledger["entries"].as_array().into_iter().flatten() {
        sum += entry["debit_minor"].as_i64().unwrap_or(0) - entry["credit_minor"].as_i64().unwrap_or(0);
        count += 1;
    }
    anyhow::ensure!(count > 0 && sum == 0, "debits and credits differ by {sum} over {count} entries");
    Ok(format!("{count} entries, debits equal credits"))
}
