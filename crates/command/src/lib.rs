//! One command, one effect: a request with an idempotency key, its work and its answer in one transaction.
//!
//! It stands above `service`, which reads the request and writes the answer, and `store`, which keeps
//! the key with the effect; neither knows the other.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use jobzy_service::idempotency::{Keyed, in_flight, key_reused};
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::idempotency::{Begin, StoredResponse, begin, find, finish};
use jobzy_store::{BoxFuture, Db, DbError, Tx};

/// Says that an answer is a stored one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Why a command has no effect: what the caller is told. The transaction is rolled back, and the key
/// with it, so that the same key may be used again when the reason is gone.
#[derive(Debug)]
pub struct Refused(pub Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self(database(&error))
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        refused.0
    }
}

/// A database that does not answer is 503; anything else about it is ours to look into.
#[must_use]
pub fn database(error: &DbError) -> Problem {
    if error.is_temporary() {
        return Problem::unavailable("the database cannot be reached", 2);
    }
    Problem::internal(error)
}

/// Runs `work` once per key and gives its answer, stored or new.
///
/// Keys belong to the caller: `subject` and the path are the scope, so that two callers who choose the same
/// key do not meet. `work` gets its own copy of the request's value each time, since a transaction may
/// run again after a conflict.
///
/// # Errors
/// 422 when the key was used for another request, 409 while the first is under way, else what `work` says.
pub async fn execute<T, F>(db: &Db, subject: &str, request: Keyed<T>, now: Timestamp, work: F) -> ApiResult
where
    T: Clone + Send + Sync + 'static,
    F: for<'t> Fn(&'t mut Tx, T) -> BoxFuture<'t, Result<StoredResponse, Refused>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let fingerprint = request.fingerprint(subject);
    let scope = scope(subject, &request);
    let (key, value) = (request.key, request.value);
    let outcome = db.transaction("command", move |tx| {
        let (scope, key, value, work) = (scope.clone(), key.clone(), value.clone(), work.clone());
        Box::pin(async move {
            match begin(tx, &scope, &key, fingerprint, now).await? {
                Begin::Fresh => {}
                Begin::Replay(response) => return Ok((response, true)),
                Begin::Mismatch => return Err(Refused(key_reused())),
                Begin::InFlight => return Err(Refused(in_flight())),
            }
            let response = work(tx, value).await?;
            finish(tx, &scope, &key, &response).await?;
            Ok((response, false))
        })
    });
    let (response, replayed) = outcome.await?;
    Ok(answer(response, replayed))
}

/// The answer this very request was given before, if it was. To be asked before work that cannot be part of the
/// transaction, such as a call to another service, so that a replay neither does it again nor fails with it.
///
/// # Errors
/// 422 when the key was used for another request.
pub async fn replay<T>(db: &Db, subject: &str, request: &Keyed<T>) -> ApiResult<Option<Response>> {
    let found = find(db, &scope(subject, request), &request.key).await.map_err(|error| database(&error))?;
    match found {
        None => Ok(None),
        Some((fingerprint, _)) if fingerprint != request.fingerprint(subject) => Err(key_reused()),
        Some((_, stored)) => Ok(Some(answer(stored, true))),
    }
}

fn scope<T>(subject: &str, request: &Keyed<T>) -> String {
    format!("{subject} {}", request.path())
}

fn answer(stored: StoredResponse, replayed: bool) -> Response {
    let mut response = stored.body.into_response();
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    for (name, value) in &stored.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
