//! From a sale that was paid to its invoice: numbered, written and told in one transaction.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jobzy_command::Refused;
use jobzy_ids::InvoiceId;
use jobzy_invoice::{
    Address, Buyer, BuyerKind, Invoice, Issuer, Language, Line, LineKind, ModelError, Payment, Seller, Work,
    model, pdf,
};
use jobzy_money::Rate;
use jobzy_service::clock::Clock;
use jobzy_service::problem::Problem;
use jobzy_store::{Db, DbError, Tx};
use serde_json::json;

use crate::files::sha256;
use crate::sale::{Completion, Place, Sale};
use crate::step::{News, Outcome, emit, event_data, step};
use crate::store::invoices::{self, Issued};
use crate::store::operations::Operation;
use crate::store::payments::{self, Record};
use crate::worker::Pace;

/// Who issues in the provider's name.
const ISSUER: (&str, &str) = ("Jobzy", "jobzy.fi");

/// Why there is no invoice.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceError {
    /// Money was taken for a job that booking has not called completed.
    #[error("the job is not completed")]
    NotCompleted,
    /// It lacks what must be on it.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The clock of the country is not to be had.
    #[error("the day in Helsinki cannot be told: {0}")]
    Day(#[from] jiff::Error),
}

/// Carries out the operation that issues a payment's invoice, and settles it.
pub async fn issue(db: &Db, clock: &Clock, pace: Pace, operation: Operation) -> Result<(), Refused> {
    let made = db.transaction("issue invoice", {
        let (clock, operation) = (clock.clone(), operation.clone());
        move |tx| {
            let (clock, operation) = (clock.clone(), operation.clone());
            Box::pin(async move { write(tx, &clock, pace, operation).await })
        }
    });
    let Err(failed) = made.await else { return Ok(()) };
    let note = match &failed {
        Failure::Invoice(error) => error.to_string(),
        Failure::Other(refused) => refused.0.to_string(),
    };
    tracing::error!(payment.id = %operation.payment, reason = %note, "an invoice could not be issued");
    let clock = clock.clone();
    db.transaction("note failed invoice", move |tx| {
        let (clock, operation, note) = (clock.clone(), operation.clone(), note.clone());
        Box::pin(async move {
            let Some(record) = payments::lock(tx, operation.payment).await? else { return Ok(()) };
            let news = News { outcome: Some((operation, Outcome::Errored(note))), ..News::default() };
            step(tx, &clock, pace, record, news).await.map(drop)
        })
    })
    .await
}

enum Failure {
    Invoice(InvoiceError),
    Other(Refused),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Other(refused)
    }
}

impl From<InvoiceError> for Failure {
    fn from(error: InvoiceError) -> Self {
        Self::Invoice(error)
    }
}

async fn write(tx: &mut Tx, clock: &Clock, pace: Pace, operation: Operation) -> Result<(), Failure> {
    let Some(record) = payments::lock(tx, operation.payment).await? else { return Ok(()) };
    if !invoices::exists(tx, record.payment.id).await? {
        let issued = compose(tx, clock, &record).await?;
        invoices::insert(tx, &issued).await?;
        let ids = [
            ("invoice", issued.id.to_string()),
            ("invoice_number", issued.invoice.number.clone()),
            ("reference", issued.invoice.reference.to_string()),
        ];
        let mut data = event_data(&record, &ids);
        data["invoice_id"] = json!(issued.id);
        data["invoice_number"] = json!(issued.invoice.number);
        emit(tx, clock, &record, "invoice_issued", data).await?;
    }
    let news = News { outcome: Some((operation, Outcome::Success)), ..News::default() };
    step(tx, clock, pace, record, news).await?;
    Ok(())
}

async fn compose(tx: &mut Tx, clock: &Clock, record: &Record) -> Result<Issued, Failure> {
    let now = clock.now();
    let completion = record.completion.as_ref().ok_or(InvoiceError::NotCompleted)?;
    let issued_on = helsinki_day(now).map_err(InvoiceError::from)?;
    let seller = &record.sale.provider.business_id;
    let series_number = invoices::next_number(tx, seller.as_str(), issued_on.year()).await?;
    let invoice = invoice(record, completion, series_number, issued_on)?;
    let file = pdf::render(&invoice, Language::Fi, now).map_err(InvoiceError::from)?;
    Ok(Issued {
        id: clock.new_id(InvoiceId::new),
        payment: record.payment.id,
        job: record.job,
        customer: record.sale.customer.subject.clone(),
        provider: record.sale.provider.subject.clone(),
        year: issued_on.year(),
        series_number,
        invoice,
        pdf_hash: sha256(&file),
        issued_at: now,
    })
}

fn invoice(record: &Record, completion: &Completion, n: i64, issued: Date) -> Result<Invoice, InvoiceError> {
    let Record { sale, .. } = record;
    let (number, reference) = model::number(&sale.provider.business_id, issued.year(), n)?;
    Ok(Invoice {
        number,
        reference,
        issued,
        agreed: Some(helsinki_day(sale.agreed_at)?),
        delivered: helsinki_day(completion.finished_at.unwrap_or(completion.completed_at))?,
        currency: record.payment.amount.currency,
        seller: Seller {
            name: sale.provider.name.clone(),
            business_id: sale.provider.business_id.clone(),
            address: sale.provider.address.as_ref().map(address),
        },
        issuer: Issuer { name: ISSUER.0.to_owned(), contact: ISSUER.1.to_owned() },
        buyer: Buyer { name: sale.customer.name.clone(), address: None, kind: BuyerKind::Consumer },
        work: Work {
            title: sale.title.clone(),
            job: record.job.to_string(),
            address: Some(address(&sale.place)),
        },
        lines: lines(sale, completion),
        payment: Payment::Card {
            paid: issued,
            processor_reference: record.intent_id().unwrap_or_default().to_owned(),
        },
        household: sale.household_work.into(),
    })
}

fn address(place: &Place) -> Address {
    Address { street: place.street.clone(), postal_code: place.postal_code.clone(), city: place.city.clone() }
}

/// Labour, material and travel; parts of nothing have no line.
fn lines(sale: &Sale, completion: &Completion) -> Vec<Line> {
    let split = completion.split;
    let parts = [
        (LineKind::Labour, sale.title.clone(), split.labour_minor),
        (LineKind::Material, String::new(), split.material_minor),
        (LineKind::Travel, String::new(), split.travel_minor),
    ];
    let vat_rate = Rate::from_basis_points(sale.vat_rate_bp);
    let line = |(kind, description, gross_minor)| Line { kind, description, gross_minor, vat_rate };
    parts.into_iter().filter(|(_, _, gross_minor)| *gross_minor > 0).map(line).collect()
}

/// The file of an invoice, made anew: the same bytes every time.
pub fn render(issued: &Issued) -> Result<Vec<u8>, Problem> {
    pdf::render(&issued.invoice, Language::Fi, issued.issued_at).map_err(|error| Problem::internal(&error))
}

/// The day in Finland, whose law and customers the invoice is for.
pub fn helsinki_day(at: Timestamp) -> Result<Date, jiff::Error> {
    Ok(TimeZone::posix("EET-2EEST,M3.5.0/3,M10.5.0/4")?.to_datetime(at).date())
}
