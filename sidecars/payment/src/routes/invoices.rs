//! Invoices, for those they concern.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use jobzy_ids::InvoiceId;
use jobzy_invoice::{Invoice, household};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{CUSTOMER, FINANCE, OPERATOR, PROVIDER, SERVICE};
use jobzy_service::extract::{Path, Query};
use jobzy_service::problem::{ApiResult, Problem};
use serde_json::{Value, json};

use super::{OfJob, PAGE, failed, sees_all};
use crate::State;
use crate::files::sha256;
use crate::invoicing;
use crate::store::invoices::{self, Issued};

const READERS: &[&str] = &[CUSTOMER, PROVIDER, FINANCE, OPERATOR, SERVICE];

/// `GET /api/v1/invoices`
pub async fn list(AppState(state): AppState<State>, caller: Caller, Query(query): Query<OfJob>) -> ApiResult {
    caller.require(READERS)?;
    let found = match query.job_id {
        Some(job) => invoices::of_job(&state.db, job).await,
        None if sees_all(&caller) => invoices::all(&state.db, PAGE).await,
        None => invoices::of_subject(&state.db, &caller.subject, PAGE).await,
    };
    let found = found.map_err(failed)?;
    let visible = found.iter().filter(|issued| may_see(&caller, issued)).map(to_json);
    Ok(axum::Json(json!({"invoices": visible.collect::<Result<Vec<_>, _>>()?})).into_response())
}

/// `GET /api/v1/invoices/{id}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(id): Path<InvoiceId>) -> ApiResult {
    let issued = visible(&state, &caller, id).await?;
    Ok(axum::Json(to_json(&issued)?).into_response())
}

/// `GET /api/v1/invoices/{id}/pdf`
///
/// The file is made of the stored invoice when it is first asked for, and checked against the hash stored with it.
pub async fn pdf(AppState(state): AppState<State>, caller: Caller, Path(id): Path<InvoiceId>) -> ApiResult {
    let issued = visible(&state, &caller, id).await?;
    let file = match state.files.read(id, issued.pdf_hash).await {
        Some(file) => file,
        None => {
            let file = invoicing::render(&issued)?;
            if sha256(&file) == issued.pdf_hash {
                // The answer does not depend on the file: a full disk costs time, not the invoice.
                if let Err(error) = state.files.write(id, &file, state.clock.random()).await {
                    tracing::warn!(invoice.id = %id, %error, "the file of an invoice could not be kept");
                }
            } else {
                tracing::warn!(invoice.id = %id, "an invoice is drawn by another version than issued it");
            }
            file
        }
    };
    let name = format!("inline; filename=\"{}.pdf\"", issued.invoice.number);
    let headers = [
        (CONTENT_TYPE, "application/pdf".to_owned()),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, file).into_response())
}

async fn visible(state: &State, caller: &Caller, id: InvoiceId) -> Result<Issued, Problem> {
    caller.require(READERS)?;
    let issued = invoices::load(&state.db, id).await.map_err(failed)?;
    issued.filter(|issued| may_see(caller, issued)).ok_or_else(Problem::not_found)
}

fn may_see(caller: &Caller, issued: &Issued) -> bool {
    sees_all(caller) || issued.customer == caller.subject || issued.provider == caller.subject
}

/// An invoice as it travels.
fn to_json(issued: &Issued) -> Result<Value, Problem> {
    let invoice = &issued.invoice;
    let summary = invoice.check().map_err(|error| Problem::internal(&error))?;
    let lines = invoice.lines.iter().zip(&summary.lines).map(|(line, vat)| {
        json!({
            "kind": line.kind,
            "description": line.description,
            "net_minor": vat.net_minor,
            "vat_minor": vat.vat_minor,
            "total_minor": line.gross_minor,
            "vat_rate_bp": line.vat_rate.basis_points(),
        })
    });
    let rates = summary.rates.iter().map(|row| {
        json!({
            "rate_bp": row.rate.basis_points(),
            "net_minor": row.net_minor,
            "vat_minor": row.vat_minor,
            "total_minor": row.gross_minor,
        })
    });
    Ok(json!({
        "id": issued.id,
        "number": invoice.number,
        "reference": invoice.reference,
        "reference_rf": invoice.reference.rf(),
        "job_id": issued.job,
        "payment_id": issued.payment,
        "issued_on": invoice.issued,
        "issued_at": issued.issued_at.to_string(),
        "delivered_on": invoice.delivered,
        "currency": invoice.currency,
        "seller": {"name": invoice.seller.name, "business_id": invoice.seller.business_id},
        "buyer": {"name": invoice.buyer.name},
        "title": invoice.work.title,
        "lines": lines.collect::<Vec<_>>(),
        "vat": rates.collect::<Vec<_>>(),
        "net_minor": summary.net_minor,
        "vat_minor": summary.vat_minor,
        "total_minor": summary.gross_minor,
        "household_credit": invoice.household_rules().map(|rules| credit(invoice, rules)),
    }))
}

/// What the customer may get back if this is the only bill of the year: an estimate, the tax office decides.
fn credit(invoice: &Invoice, rules: household::Rules) -> Value {
    let labour = invoice.labour_minor();
    json!({
        "labour_minor": labour,
        "share_bp": rules.share.basis_points(),
        "share_minor": rules.share_minor(labour),
        "own_share_minor": rules.own_share_minor,
        "cap_minor": rules.cap_minor,
        "credit_minor": rules.credit(labour).minor(),
    })
}
