//! The way of one job: quoted, booked, paid, done, invoiced, and told by the correlation service.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use http::Method;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::guide::{Answer, Call, Guide};

/// Everything the refusals need to know of the job that went well.
pub struct Job {
    pub payment: String,
    pub provider: String,
    pub quote: Value,
    pub request: Value,
    pub place: Value,
    pub invoice: PathBuf,
}

const QUOTES: &str = "/api/v1/pricing/quotes";
const DURATION_MINUTES: i64 = 180;

/// Walks the job from price quote to paid invoice.
pub async fn walk(guide: &mut Guide<'_>, out_dir: &Path) -> anyhow::Result<Job> {
    let date = tomorrow(guide.config.now)?;
    let request = json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": date});
    let place = json!({"street": "Mannerheimintie 1", "postal_code": "00100", "city": "Helsinki", "lat": 60.1699, "lon": 24.9384});

    guide.heading("A job, from price quote to paid invoice")?;
    let provider = open_for_business(guide).await?;
    let quote = price(guide, &request).await?;
    let starts_at = free_slot(guide, &provider, &date).await?;
    let job = book(guide, &quote, &request, &place, &starts_at, &provider).await?;
    let payment =
        do_the_work(guide, &job, quote["total_minor"].as_i64().context("the quote has no total")?).await?;
    let invoice = invoice(guide, &job, out_dir).await?;
    story(guide, &job).await?;
    Ok(Job { payment, provider, quote, request, place, invoice })
}

async fn open_for_business(guide: &mut Guide<'_>) -> anyhow::Result<String> {
    let hours = json!(["08:00", "20:00"]);
    let profile = json!({
        "name": "Demo provider", "business_id": "0112038-9",
        "address": {"street": "Hämeentie 15", "postal_code": "00500", "city": "Helsinki"},
        "lat": 60.1841, "lon": 24.9497, "radius_km": 30,
        "services": ["home-cleaning", "window-cleaning"],
        "weekly_hours": {"mon": hours, "tue": hours, "wed": hours, "thu": hours, "fri": hours, "sat": hours, "sun": hours},
    });
    let call = Call::put("/api/v1/providers/me", profile).by("provider");
    let answer =
        guide.step("provider: profile, services, calendar", call, 200, |_| Ok(String::new())).await?;
    text(&answer.json()?, "id")
}

async fn price(guide: &mut Guide<'_>, request: &Value) -> anyhow::Result<Value> {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(request.as_object().into_iter().flatten().map(|(name, value)| {
            (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }))
        .finish();
    let get = || Call::get(format!("{QUOTES}?{query}"));
    let shown = |answer: &Answer| {
        let quote = answer.json()?;
        Ok(format!("cache-status: {}   total {} cents", answer.header("cache-status"), quote["total_minor"]))
    };
    let miss = guide
        .step("price: 3 h home cleaning, 00100, tomorrow", get(), 200, |answer| {
            ensure!(edge_status(answer).contains("fwd="), "the edge did not forward the first request");
            shown(answer)
        })
        .await?;
    let hit = guide
        .step("price again, answered at the edge", get(), 200, |answer| {
            ensure!(edge_status(answer).contains("hit"), "cache-status: {}", answer.header("cache-status"));
            ensure!(answer.body == miss.body, "the edge's bytes differ from the sidecar's");
            Ok(format!("{}   {:.1} times as fast", shown(answer)?, miss.millis / answer.millis))
        })
        .await?;
    guide
        .step("price by POST, the same quote", Call::post(QUOTES, request.clone()), 200, |answer| {
            ensure!(answer.body == hit.body, "POST and GET differ");
            Ok(String::new())
        })
        .await?;
    hit.json()
}

/// The member of the `cache-status` list (RFC 9211) that the gateway added, without the others.
fn edge_status(answer: &Answer) -> String {
    let header = answer.header("cache-status");
    header.split(',').find(|member| member.trim().starts_with("jobzy-edge")).unwrap_or_default().to_owned()
}

async fn free_slot(guide: &mut Guide<'_>, provider: &str, date: &str) -> anyhow::Result<String> {
    let path = format!("/api/v1/providers/{provider}/slots?date={date}&duration_minutes={DURATION_MINUTES}");
    let answer = guide
        .step("free times of the provider", Call::get(path).by("customer"), 200, |_| Ok(String::new()))
        .await?;
    let slots = answer.json()?;
    let first = slots["slots"].as_array().and_then(|slots| slots.first()).and_then(Value::as_str);
    Ok(first.context("the provider has no free time tomorrow")?.to_owned())
}

/// The body of a job at `quote`.
pub fn job_body(quote: &Value, request: &Value, place: &Value, starts_at: &str) -> Value {
    json!({
        "quote": {"id": quote["id"], "rate_book_version": quote["rate_book_version"], "request": request},
        "place": place,
        "starts_at": starts_at,
        "duration_minutes": DURATION_MINUTES,
        "contact": {"name": "Demo customer", "email": "customer@example.test"},
    })
}

async fn book(
    guide: &mut Guide<'_>,
    quote: &Value,
    request: &Value,
    place: &Value,
    starts_at: &str,
    provider: &str,
) -> anyhow::Result<String> {
    let body = job_body(quote, request, place, starts_at);
    let call = Call::post("/api/v1/jobs", body).by("customer").header("idempotency-key", guide.key());
    let first = guide
        .step("customer: create the job at that quote", call.clone(), 201, |_| Ok(String::new()))
        .await?;
    guide
        .step("the same request again: the same answer", call, 201, |answer| {
            ensure!(answer.body == first.body, "the replay differs");
            Ok(format!("idempotency-replayed: {}", answer.header("idempotency-replayed")))
        })
        .await?;
    let job = text(&first.json()?, "id")?;
    let submit = json!({"payment_method": "pm_card_visa", "provider_id": provider});
    act(guide, "customer", &job, "submit", submit, "offered").await?;
    act(guide, "provider", &job, "accept", json!({}), "accepted").await?;
    let path = format!("/api/v1/jobs/{job}");
    guide
        .step_when(
            "payment authorised, job confirmed",
            Call::get(path).by("customer"),
            status_is("confirmed"),
            |_| Ok(String::new()),
        )
        .await?;
    Ok(job)
}

async fn do_the_work(guide: &mut Guide<'_>, job: &str, total: i64) -> anyhow::Result<String> {
    act(guide, "provider", job, "check-in", json!({}), "in_progress").await?;
    let material = total / 10;
    let split = json!({"labour_minor": total - material, "material_minor": material, "travel_minor": 0});
    act(guide, "provider", job, "finish", split, "work_done").await?;
    act(guide, "customer", job, "approve", json!({}), "completed").await?;
    let path = format!("/api/v1/payments?job_id={job}");
    let captured = |body: &Value| body["payments"][0]["status"] == "captured";
    let answer = guide
        .step_when("payment captured", Call::get(path).by("customer"), captured, |answer| {
            let payment = &answer.json()?["payments"][0];
            ensure!(payment["amount_minor"] == total, "captured another amount: {payment}");
            Ok(format!("{} cents by {}", payment["amount_minor"], payment["stripe_payment_intent"]))
        })
        .await?;
    text(&answer.json()?["payments"][0], "id")
}

async fn invoice(guide: &mut Guide<'_>, job: &str, out_dir: &Path) -> anyhow::Result<PathBuf> {
    let issued = |body: &Value| body["invoices"].as_array().is_some_and(|list| !list.is_empty());
    let path = format!("/api/v1/invoices?job_id={job}");
    let answer = guide
        .step_when("invoice issued", Call::get(path).by("customer"), issued, |answer| {
            let invoice = &answer.json()?["invoices"][0];
            Ok(format!(
                "number {}, reference {}, household credit estimate {} cents",
                invoice["number"], invoice["reference"], invoice["household_credit"]["credit_minor"]
            ))
        })
        .await?;
    let id = text(&answer.json()?["invoices"][0], "id")?;
    let path = format!("/api/v1/invoices/{id}/pdf");
    let file = out_dir.join(format!("{id}.pdf"));
    let pdf = guide
        .step("invoice as PDF", Call::get(path).by("customer"), 200, |answer| {
            ensure!(
                answer.header("content-type") == "application/pdf",
                "it is {}",
                answer.header("content-type")
            );
            ensure!(answer.body.starts_with(b"%PDF-"), "it does not begin as a PDF");
            Ok(file.display().to_string())
        })
        .await?;
    tokio::fs::create_dir_all(out_dir).await?;
    tokio::fs::write(&file, &pdf.body).await?;
    Ok(file)
}

async fn story(guide: &mut Guide<'_>, job: &str) -> anyhow::Result<()> {
    const SYSTEMS: [(&str, &str); 5] = [
        ("booking", "job"),
        ("pricing", "quote"),
        ("payment", "payment"),
        ("stripe", "payment_intent"),
        ("payment", "invoice_number"),
    ];
    let has = |body: &Value, (system, kind): (&str, &str)| {
        body["ids"].as_array().into_iter().flatten().any(|id| id["system"] == system && id["type"] == kind)
    };
    let path = format!("/api/v1/correlation/lookup?id={job}");
    let all = |body: &Value| SYSTEMS.into_iter().all(|pair| has(body, pair));
    let answer = guide
        .step_when("operator: one entity with all its ids", Call::get(path).by("operator"), all, |answer| {
            let ids = answer.json()?["ids"].as_array().map_or(0, Vec::len);
            Ok(format!("{ids} ids"))
        })
        .await?;
    let entity = text(&answer.json()?, "id")?;
    let path = format!("/api/v1/correlation/entities/{entity}/events");
    let told = |body: &Value| names(body).iter().any(|name| name.contains("invoice_issued"));
    guide
        .step_when("operator: the whole event story", Call::get(path).by("operator"), told, |answer| {
            let names = names(&answer.json()?);
            for needed in ["job_created", "job_completed", "payment_authorised", "payment_captured"] {
                ensure!(names.iter().any(|name| name.contains(needed)), "the story lacks {needed}");
            }
            let short = names.iter().filter_map(|name| name.split('.').nth(2));
            Ok(short.collect::<Vec<_>>().join(", "))
        })
        .await?;
    Ok(())
}

fn names(events: &Value) -> Vec<String> {
    let list = events["events"].as_array().into_iter().flatten();
    list.filter_map(|event| event["type"].as_str().map(str::to_owned)).collect()
}

/// One transition of the job, by its path's last word.
pub async fn act(
    guide: &mut Guide<'_>,
    user: &'static str,
    job: &str,
    action: &str,
    body: Value,
    status: &'static str,
) -> anyhow::Result<()> {
    let call = Call::post(format!("/api/v1/jobs/{job}/{action}"), body);
    let call = call.by(user).header("idempotency-key", guide.key());
    guide
        .step(&format!("{user}: {action}"), call, 200, |answer| {
            let got = answer.json()?;
            if got["status"] != status {
                bail!("the job is {} where {status} was expected", got["status"]);
            }
            Ok(String::new())
        })
        .await
        .map(drop)
}

fn status_is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |body| body["status"] == status
}

/// A text member of a JSON object.
pub fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    Ok(value[name].as_str().with_context(|| format!("no {name} in {value}"))?.to_owned())
}

/// The next day in Finland, `YYYY-MM-DD`.
///
/// # Errors
/// At the end of the calendar.
pub fn tomorrow(now: Timestamp) -> anyhow::Result<String> {
    let helsinki = TimeZone::posix("EET-2EEST,M3.5.0/3,M10.5.0/4")?;
    Ok(now.to_zoned_datetime(helsinki).date().checked_add(1.day())?.to_string())
}

/// The free start times of `provider` on the day of the tour, without keeping score.
pub async fn another_slot(guide: &Guide<'_>, provider: &str) -> anyhow::Result<String> {
    let date = tomorrow(guide.config.now)?;
    let path = format!("/api/v1/providers/{provider}/slots?date={date}&duration_minutes={DURATION_MINUTES}");
    let answer = guide.ask(Call::new(Method::GET, path).by("customer")).await?.json()?;
    let last = answer["slots"].as_array().and_then(|slots| slots.last()).and_then(Value::as_str);
    Ok(last.context("the provider has no free time tomorrow")?.to_owned())
}
