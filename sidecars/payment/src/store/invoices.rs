//! Invoices: numbered without gaps, written once.

use jiff::Timestamp;
use jobzy_ids::{InvoiceId, JobId, PaymentId};
use jobzy_invoice::Invoice;
use jobzy_store::{Db, DbError, Row, Tx, args};

use super::{document, to_json, unreadable};

/// An invoice as it is stored.
#[derive(Debug, Clone)]
pub struct Issued {
    pub id: InvoiceId,
    pub payment: PaymentId,
    pub job: JobId,
    /// Subject of the customer's token.
    pub customer: String,
    /// Subject of the provider's token.
    pub provider: String,
    pub year: i16,
    pub series_number: i64,
    pub invoice: Invoice,
    /// SHA-256 of the file that was made of it when it was issued.
    pub pdf_hash: [u8; 32],
    pub issued_at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, payment_id, job_id, customer, provider, series_year, series_number, document, pdf_hash, issued_at ",
            "FROM invoices ",
            $rest
        )
    };
}

/// The next number of a seller's series, locked until the transaction ends: rolled back, it is given out again.
pub async fn next_number(tx: &mut Tx, seller: &str, year: i16) -> Result<i64, DbError> {
    let key = || args![seller.as_bytes(), year];
    tx.insert_new("INSERT INTO invoice_series (seller, series_year, last_number) VALUES (?, ?, 0)", key())
        .await?;
    let sql = "UPDATE invoice_series SET last_number = last_number + 1 WHERE seller = ? AND series_year = ?";
    tx.execute(sql, key()).await?;
    let sql = "SELECT last_number FROM invoice_series WHERE seller = ? AND series_year = ?";
    let row = tx.fetch_optional(sql, key()).await?;
    row.ok_or_else(|| unreadable("last_number", "the row just written is not there"))?.i64("last_number")
}

/// Stores an invoice.
pub async fn insert(tx: &mut Tx, issued: &Issued) -> Result<(), DbError> {
    let sql = "INSERT INTO invoices (id, payment_id, job_id, customer, provider, seller, series_year, series_number, \
               document, pdf_hash, issued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let args = args![
        issued.id.as_bytes(),
        issued.payment.as_bytes(),
        issued.job.as_bytes(),
        issued.customer.as_bytes(),
        issued.provider.as_bytes(),
        issued.invoice.seller.business_id.as_str().as_bytes(),
        issued.year,
        issued.series_number,
        to_json("document", &issued.invoice)?,
        issued.pdf_hash,
        issued.issued_at,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Whether a payment's invoice was issued.
pub async fn exists(tx: &mut Tx, payment: PaymentId) -> Result<bool, DbError> {
    let sql = "SELECT id FROM invoices WHERE payment_id = ?";
    Ok(tx.fetch_optional(sql, args![payment.as_bytes()]).await?.is_some())
}

/// An invoice by its id.
pub async fn load(db: &Db, id: InvoiceId) -> Result<Option<Issued>, DbError> {
    let row = db.fetch_optional(select!("WHERE id = ?"), args![id.as_bytes()]).await?;
    row.as_ref().map(read).transpose()
}

/// The invoices of a job.
pub async fn of_job(db: &Db, job: JobId) -> Result<Vec<Issued>, DbError> {
    let rows = db.fetch_all(select!("WHERE job_id = ? ORDER BY issued_at"), args![job.as_bytes()]).await?;
    rows.iter().map(read).collect()
}

/// Invoices to or from a subject, newest first.
pub async fn of_subject(db: &Db, subject: &str, limit: u32) -> Result<Vec<Issued>, DbError> {
    let sql = select!("WHERE customer = ? OR provider = ? ORDER BY issued_at DESC LIMIT ?");
    let rows = db.fetch_all(sql, args![subject.as_bytes(), subject.as_bytes(), limit]).await?;
    rows.iter().map(read).collect()
}

/// All invoices, newest first.
pub async fn all(db: &Db, limit: u32) -> Result<Vec<Issued>, DbError> {
    let rows = db.fetch_all(select!("ORDER BY issued_at DESC LIMIT ?"), args![limit]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Issued, DbError> {
    Ok(Issued {
        id: InvoiceId::from_bytes(row.id16("id")?),
        payment: PaymentId::from_bytes(row.id16("payment_id")?),
        job: JobId::from_bytes(row.id16("job_id")?),
        customer: row.text("customer")?,
        provider: row.text("provider")?,
        year: i16::try_from(row.i64("series_year")?).map_err(|error| unreadable("series_year", error))?,
        series_number: row.i64("series_number")?,
        invoice: document(row, "document")?,
        pdf_hash: row.array("pdf_hash")?,
        issued_at: row.timestamp("issued_at")?,
    })
}
