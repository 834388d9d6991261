//! The contract of the API: every answer that a test requests is checked against it.
//!
//! Never here: the expected content of answers.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use masternode_exporter::web::api::{Api, openapi};
use serde_json::{Value, json};

/// See the module.
pub(crate) struct Contract {
    document: Value,
    validators: BTreeMap<(String, u16), Validator>,
}

impl Contract {
    pub(crate) fn read() -> Contract {
        let document: Value = serde_json::from_str(openapi::contract()).unwrap();
        let mut validators = BTreeMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (status, response) in item["get"]["responses"].as_object().unwrap() {
                let response = match response["$ref"].as_str() {
                    Some(reference) => document.pointer(&reference[1..]).unwrap(),
                    None => response,
                };
                // Without a content type it is an answer of the server before the request reaches the API.
                let Some(content) = response.get("content") else { continue };
                // A calendar is no JSON.
                let Some(json) = content.get("application/json") else { continue };
                let mut schema = json["schema"].clone();
                schema["components"] = json!({ "schemas": document["components"]["schemas"] });
                let validator = jsonschema::draft202012::new(&schema).unwrap();
                validators.insert((path.clone(), status.parse().unwrap()), validator);
            }
        }
        Contract { document, validators }
    }

    /// Status and body, as in the contract of this path.
    #[track_caller]
    pub(crate) fn ask(&self, api: &Api, target: &str) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let reply = api.answer(path, query);
        let (status, body) = (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap());
        let validator = self.validators.get(&(template(path).to_string(), status));
        let validator = validator
            .unwrap_or_else(|| panic!("{target} answers {status}, of which the contract knows nothing: {body}"));
        let mistakes: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(mistakes.is_empty(), "{target} answers {status} with {body:#}, and {mistakes:#?}");
        (status, body)
    }

    /// A successful answer.
    #[track_caller]
    pub(crate) fn good(&self, api: &Api, target: &str) -> Value {
        let (status, body) = self.ask(api, target);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// The sentence of a refusal with this status.
    #[track_caller]
    pub(crate) fn refusal(&self, api: &Api, target: &str, status: u16) -> String {
        let (given, body) = self.ask(api, target);
        assert_eq!(given, status, "{target}: {body}");
        body["error"].as_str().unwrap().to_string()
    }

    /// Names of the parameters in the query, and the schema of each.
    pub(crate) fn parameters(&self, path: &str) -> BTreeMap<String, Value> {
        let given = self.document["paths"][path]["get"]["parameters"].as_array();
        let in_query = given.into_iter().flatten().filter(|parameter| parameter["in"] == "query");
        in_query.map(|given| (given["name"].as_str().unwrap().to_string(), given["schema"].clone())).collect()
    }

    pub(crate) fn paths(&self) -> BTreeSet<String> {
        self.document["paths"].as_object().unwrap().keys().cloned().collect()
    }

    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or_else(|| panic!("the contract has no {pointer}"))
    }
}

fn template(path: &str) -> &str {
    let in_masternodes = path.starts_with("/api/v1/masternodes/");
    if in_masternodes && path.ends_with("/duties") {
        "/api/v1/masternodes/{id}/duties"
    } else if in_masternodes && path.ends_with("/duties.ics") {
        "/api/v1/masternodes/{id}/duties.ics"
    } else if in_masternodes {
        "/api/v1/masternodes/{id}"
    } else {
        path
    }
}

/// The rows of a table, by the names of its columns.
#[track_caller]
pub(crate) fn table(api: &Api, target: &str) -> Vec<BTreeMap<String, String>> {
    let (path, query) = target.split_once('?').unwrap();
    let reply = api.answer(path, query);
    assert_eq!((reply.status.as_u16(), reply.content_type), (200, "text/csv; charset=utf-8; header=present"));
    let mut reader = csv::Reader::from_reader(&reply.body[..]);
    assert!(reader.headers().unwrap().len() > 5, "a table without rows has its line of names");
    reader.deserialize().map(Result::unwrap).collect()
}
