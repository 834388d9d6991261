//! A Prometheus and queries to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// A server on loopback, and the observed time range: from a start until now, or until a fixed later time.
pub(crate) struct Prometheus {
    port: u16,
    since: f64,
    until: Option<f64>,
}

fn now() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "Prometheus is asked for the time that this test took")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

impl Prometheus {
    pub(crate) fn new(port: u16) -> Prometheus {
        Prometheus { port, since: now(), until: None }
    }

    /// Ends the observed time range now, if the expression has an answer now. Later scrapes on a busy machine are not
    /// part of it.
    pub(crate) fn end_with(&mut self, expression: &str) -> Option<()> {
        let until = now();
        self.until = Some(until);
        let fits = self.instant(expression).is_ok_and(|found| !found.is_empty());
        self.until = fits.then_some(until);
        self.until.map(|_| ())
    }

    fn end(&self) -> f64 {
        self.until.unwrap_or_else(now)
    }

    /// Length of the observed time range in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        (self.end() - self.since) as u64 + 1
    }

    /// Start and end of the observed time range.
    pub(crate) fn span(&self) -> Value {
        json!([self.since, self.end()])
    }

    /// Series at the end.
    pub(crate) fn instant(&self, expression: &str) -> Result<Vec<Value>, String> {
        self.ask("/api/v1/query", &[("query", expression), ("time", &self.end().to_string())])
    }

    /// Series over the observed time range plus the given number of seconds, with the given step.
    pub(crate) fn range(&self, expression: &str, ahead: f64, step: u32) -> Result<Vec<Value>, String> {
        let (start, end) = (self.since.to_string(), (self.end() + ahead).to_string());
        self.ask(
            "/api/v1/query_range",
            &[("query", expression), ("start", &start), ("end", &end), ("step", &step.to_string())],
        )
    }

    /// Values of a label in the series of a selector.
    pub(crate) fn values(&self, selector: &str, label: &str) -> Result<Vec<String>, String> {
        let series = self.ask("/api/v1/series", &[("match[]", selector), ("start", &self.since.to_string())])?;
        let mut values: Vec<String> = series.iter().filter_map(|one| one[label].as_str()).map(str::to_string).collect();
        values.sort();
        values.dedup();
        Ok(values)
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Vec<Value>, String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let asked = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            let head = "Content-Type: application/x-www-form-urlencoded";
            write!(
                stream,
                "POST {path} HTTP/1.0\r\nHost: localhost\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        let answer = asked().map_err(|error: std::io::Error| error.to_string())?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).ok_or("no answer")?;
        let answer: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_string());
        }
        if let Some(warnings) = answer["warnings"].as_array() {
            return Err(format!("{warnings:?}"));
        }
        let data = if answer["data"].is_array() { &answer["data"] } else { &answer["data"]["result"] };
        data.as_array().cloned().ok_or_else(|| format!("no list: {body}"))
    }
}
