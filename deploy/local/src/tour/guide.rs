//! One step at a time: send, time, check, print.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use jobzy_service::clock::Clock;
use serde_json::Value;
use tokio::time::Instant;

use super::TourConfig;
use crate::http::LoopbackClient;
use crate::issuer::{DEMO_PASSWORD, WEB_CLIENT};

/// No single answer may take longer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the tour waits for something that happens behind the answer (an event, a capture).
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// What is sent in one step.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    user: Option<&'static str>,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Call {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), user: None, body: None, headers: Vec::new() }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, path) }
    }

    /// Sends the access token of this demo user.
    pub fn by(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub millis: f64,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }
}

/// Walks the steps of a tour and keeps the score.
pub struct Guide<'out> {
    pub config: TourConfig,
    pub clock: Clock,
    client: LoopbackClient,
    tokens: HashMap<&'static str, String>,
    out: &'out mut (dyn Write + Send),
    held: usize,
    failed: Vec<String>,
}

impl<'out> Guide<'out> {
    pub fn new(config: TourConfig, out: &'out mut (dyn Write + Send)) -> Self {
        Self {
            config,
            clock: Clock::system(),
            client: LoopbackClient::new(),
            tokens: HashMap::new(),
            out,
            held: 0,
            failed: Vec::new(),
        }
    }

    /// Gets an access token for each user, by the password grant, from the issuer itself.
    pub async fn log_in(&mut self, users: &[&'static str]) -> anyhow::Result<()> {
        for &user in users {
            let token = password_grant(&self.client, &self.config.issuer, user).await?;
            self.tokens.insert(user, token);
        }
        Ok(())
    }

    /// A new idempotency key.
    pub fn key(&self) -> String {
        uuid::Builder::from_random_bytes(self.clock.random()).into_uuid().to_string()
    }

    /// Sends `call` and keeps no score: for set-up and for what is asked again and again.
    pub async fn ask(&self, call: Call) -> anyhow::Result<Answer> {
        let mut request =
            Request::builder().method(call.method).uri(format!("{}{}", self.config.gateway, call.path));
        if let Some(user) = call.user {
            let token = self.tokens.get(user).with_context(|| format!("{user} has not logged in"))?;
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let body = match call.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let begun = Instant::now();
        let answer = self.client.send(request.body(Full::new(body))?, TIMEOUT).await?;
        let millis = begun.elapsed().as_secs_f64() * 1000.0;
        let (parts, body) = answer.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, millis })
    }

    /// One step: sends `call`, expects `status` and what `check` looks for, prints the line.
    ///
    /// `check` returns what is worth showing after the line. A step that does not hold is an error.
    pub async fn step(
        &mut self,
        what: &str,
        call: Call,
        status: u16,
        check: impl FnOnce(&Answer) -> anyhow::Result<String>,
    ) -> anyhow::Result<Answer> {
        let answer = self.ask(call).await.with_context(|| what.to_owned())?;
        self.score(what, answer, status, check)
    }

    /// As [`Self::step`], asking again until `ready` says yes, for what happens behind the answer.
    pub async fn step_when(
        &mut self,
        what: &str,
        call: Call,
        ready: impl Fn(&Value) -> bool,
        check: impl FnOnce(&Answer) -> anyhow::Result<String>,
    ) -> anyhow::Result<Answer> {
        let begun = Instant::now();
        loop {
            let mut answer = self.ask(call.clone()).await.with_context(|| what.to_owned())?;
            let waited = begun.elapsed();
            if (answer.status == 200 && ready(&answer.json()?)) || waited > PATIENCE {
                answer.millis = waited.as_secs_f64() * 1000.0;
                return self.score(what, answer, 200, |answer| {
                    if ready(&answer.json()?) {
                        check(answer)
                    } else {
                        bail!("still not so after {waited:?}")
                    }
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn score(
        &mut self,
        what: &str,
        answer: Answer,
        status: u16,
        check: impl FnOnce(&Answer) -> anyhow::Result<String>,
    ) -> anyhow::Result<Answer> {
        let correlation = answer.header("x-correlation-id").to_owned();
        let verdict = match answer.status {
            got if got != status => Err(anyhow::anyhow!("expected status {status}")),
            _ if correlation.is_empty() => Err(anyhow::anyhow!("no x-correlation-id on the answer")),
            _ => check(&answer),
        };
        let (mark, note) = match &verdict {
            Ok(note) => ("ok", note.clone()),
            Err(error) => ("NO", format!("{error:#}: {}", String::from_utf8_lossy(&answer.body))),
        };
        writeln!(
            self.out,
            "{mark}  {what:<44} {:>3} {:>7.1} ms  {correlation}",
            answer.status, answer.millis
        )?;
        if !note.is_empty() {
            writeln!(self.out, "      {note}")?;
        }
        match verdict {
            Ok(_) => self.held += 1,
            Err(error) => bail!("{what}: {error:#}"),
        }
        Ok(answer)
    }

    /// Prints a heading.
    pub fn heading(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "\n{text}")?)
    }

    /// Notes a step that did not hold, where the tour goes on.
    pub fn note_failure(&mut self, error: &anyhow::Error) {
        self.failed.push(format!("{error:#}"));
    }

    /// Says why the tour ends here.
    pub fn abandon(&mut self, error: &anyhow::Error) -> std::io::Result<()> {
        self.note_failure(error);
        writeln!(self.out, "\nThe tour ends here: {error:#}")
    }

    /// Prints the score and hands it over.
    pub fn finish(self) -> std::io::Result<(usize, Vec<String>)> {
        let verdict = if self.failed.is_empty() { "every step held" } else { "NOT every step held" };
        writeln!(self.out, "\n{} steps held, {} did not: {verdict}.", self.held, self.failed.len())?;
        Ok((self.held, self.failed))
    }
}

/// Asks the issuer at `issuer` for an access token of a demo user.
///
/// # Errors
/// When the issuer does not answer with a token.
pub async fn password_grant(client: &LoopbackClient, issuer: &str, user: &str) -> anyhow::Result<String> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "password"),
            ("client_id", WEB_CLIENT),
            ("username", user),
            ("password", DEMO_PASSWORD),
        ])
        .finish();
    let request = Request::post(format!("{issuer}/protocol/openid-connect/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)))?;
    let answer = client.send(request, TIMEOUT).await?;
    let body: Value = serde_json::from_slice(answer.body()).context("the token answer is not JSON")?;
    let token = body["access_token"].as_str().with_context(|| format!("{user} got no token: {body}"))?;
    Ok(token.to_owned())
}
