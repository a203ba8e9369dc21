//! Invoices: numbers without gaps, and a page that says what the law wants.

use std::process::Command;

use jobzy_testkit::both_databases;
use serde_json::{Value, json};

use super::world::{TOTAL, World, completed};

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gap_and_none_is_used_twice() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let jobs: Vec<_> = (0..8).map(|_| world.job()).collect();
        // All at once, so that they compete for the series.
        for job in &jobs {
            world.complete(*job).await;
        }
        for job in &jobs {
            world.until_status(*job, "captured").await;
        }
        world.until_quiet().await;
        let all: Value = world.get("finance", "/api/v1/invoices").await.json();
        let mut numbers: Vec<&str> =
            all["invoices"].as_array().unwrap().iter().map(|it| it["number"].as_str().unwrap()).collect();
        numbers.sort_unstable();
        let year = &numbers[0][..4];
        let expected: Vec<String> = (1..=8).map(|n| format!("{year}-01120389-{n:06}")).collect();
        assert_eq!(numbers, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_shows_the_split_the_vat_and_the_household_credit() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let (job, payment) = world.paid().await;
        let list: Value = world.get("customer", &format!("/api/v1/invoices?job_id={job}")).await.json();
        let invoice = &list["invoices"][0];
        assert_eq!(
            (invoice["total_minor"].as_i64(), invoice["vat_minor"].as_i64()),
            (Some(TOTAL), Some(3048))
        );
        assert_eq!(invoice["payment_id"], payment["id"]);
        assert_eq!(invoice["delivered_on"], "2026-11-23", "the day in Finland on which the work was done");
        let kinds: Vec<_> = invoice["lines"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
        assert_eq!(kinds, ["labour", "material", "travel"]);
        // 35 % of 135.00 is below the own share of 150.00.
        assert_eq!(invoice["household_credit"]["share_minor"], 4725);
        assert_eq!(invoice["household_credit"]["credit_minor"], 0);
        let path = format!("/api/v1/invoices/{}/pdf", invoice["id"].as_str().unwrap());
        let file = world.get("customer", &path).await;
        assert_eq!(file.header("content-type"), Some("application/pdf"));
        let text = text_of(&file.body);
        let number = invoice["number"].as_str().unwrap();
        for part in ["Demo provider", "0112038-9", "Demo customer", "25,5", "150,00", number, "Kotisiivous"] {
            assert!(text.contains(part), "{part} is not on the page:\n{text}");
        }
        assert_eq!(world.get("provider", &path).await.body, file.body, "the same bytes every time");
        assert_eq!(std::fs::read_dir(world.files()).unwrap().count(), 1);
        // A file that was changed or lost is drawn again, to the same bytes.
        let kept = std::fs::read_dir(world.files()).unwrap().next().unwrap().unwrap().path();
        std::fs::write(&kept, b"%PDF-forged").unwrap();
        assert_eq!(world.get("customer", &path).await.body, file.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_does_not_qualify_promises_no_credit() {
    both_databases(|url| async {
        let world = World::start(url).await;
        let job = world.job();
        let mut data = completed(job, &world.clock);
        data["household_work"] = json!("no");
        assert_eq!(world.tell("job_completed", data).await.status, 204);
        world.until_status(job, "captured").await;
        world.until_quiet().await;
        let list: Value = world.get("customer", &format!("/api/v1/invoices?job_id={job}")).await.json();
        assert!(list["invoices"][0]["household_credit"].is_null());
    })
    .await;
}

fn text_of(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("invoice.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new("pdftotext").args(["-layout", file.to_str().unwrap(), "-"]).output();
    let output = output.expect("pdftotext is there: the Debian package poppler-utils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
