//! The books: transactions that balance, inserted once and never changed.

use jiff::Timestamp;
use jobzy_ids::PaymentId;
use jobzy_payment::ledger::{Side, Transaction};
use jobzy_store::{Db, DbError, Tx, args};

/// One line, as it is read.
#[derive(Debug, Clone)]
pub struct Line {
    pub reference: String,
    pub account: String,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub currency: String,
    pub posted_at: Timestamp,
}

/// Books a transaction; false where its reference was booked before. That debits equal credits is in the type.
pub async fn post(
    tx: &mut Tx,
    payment: PaymentId,
    transaction: &Transaction,
    now: Timestamp,
) -> Result<bool, DbError> {
    let reference = transaction.reference().as_bytes();
    let sql =
        "INSERT INTO ledger_transactions (reference, payment_id, currency, posted_at) VALUES (?, ?, ?, ?)";
    let currency = transaction.currency().code();
    if !tx.insert_new(sql, args![reference, payment.as_bytes(), currency, now]).await? {
        return Ok(false);
    }
    let sql = "INSERT INTO ledger_entries (reference, line, account, debit_minor, credit_minor) VALUES (?, ?, ?, ?, ?)";
    for (line, entry) in (1_i64..).zip(transaction.entries()) {
        let (debit, credit) = match entry.side {
            Side::Debit => (entry.amount_minor, 0),
            Side::Credit => (0, entry.amount_minor),
        };
        let account = entry.account.as_str();
        tx.execute(sql, args![reference, line, account, debit, credit]).await?;
    }
    Ok(true)
}

/// Everything booked for a payment, in order.
pub async fn of_payment(db: &Db, payment: PaymentId) -> Result<Vec<Line>, DbError> {
    let sql = "SELECT t.reference, t.currency, t.posted_at, e.account, e.debit_minor, e.credit_minor \
               FROM ledger_transactions t JOIN ledger_entries e ON e.reference = t.reference \
               WHERE t.payment_id = ? ORDER BY t.posted_at, t.reference, e.line";
    let rows = db.fetch_all(sql, args![payment.as_bytes()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Line {
                reference: row.text("reference")?,
                account: row.text("account")?,
                debit_minor: row.i64("debit_minor")?,
                credit_minor: row.i64("credit_minor")?,
                currency: row.text("currency")?,
                posted_at: row.timestamp("posted_at")?,
            })
        })
        .collect()
}
