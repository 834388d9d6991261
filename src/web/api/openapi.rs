//! The contract of the API as an OpenAPI document, generated from the response types and the parameters.
//!
//! Never here: names of fields or parameters; the types and the endpoints define them.

use std::sync::LazyLock;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::web::api::parameters::{Parameter, TIMES, Times, name};
use crate::web::api::{
    CALENDAR, CALENDAR_OF_ALL, CONTRACT_PATH, DUTIES, EARNINGS, EVENTS, Error, MASTERNODES, RESTART_PLAN, STATUS,
    duties, earnings, events, json as answers, masternodes, status,
};

const DESCRIPTION: &str = "Read-only. Responses come from the current state of the exporter: no request calls a node. \
                           Times are RFC 3339 in UTC; durations are in seconds or blocks, as the name says. Every \
                           field is always present; null means not known, or not part of the chain; only events omit \
                           fields that their kind does not have. Unknown parameters are rejected.";

/// Error responses, and their causes.
const ERRORS: [(&str, &str); 5] = [
    ("400", "A parameter is unknown, given twice, or out of bounds."),
    ("404", "A name does not exist: network, alias, group, state, masternode."),
    ("409", "The parameters conflict with each other."),
    ("500", "Internal error of the exporter; see its log."),
    ("503", "Not available yet, or temporarily."),
];

/// The answer of a calendar.
const CALENDAR_ANSWER: &str = "An iCalendar object (RFC 5545). An event keeps its UID while its expected time changes.";

/// A path of the API.
struct Operation {
    path: String,
    id: &'static str,
    summary: &'static str,
    answer: &'static str,
    schema: Value,
    parameters: Vec<Value>,
    errors: &'static [&'static str],
    links: Value,
}

/// The document: every path, parameter, answer.
pub fn contract() -> &'static str {
    static CONTRACT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    &CONTRACT
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let operations = operations(&mut generator);
    let error = reference::<Error<'_>>(&mut generator);
    let mut responses: Map<String, Value> = ERRORS
        .iter()
        .map(|(status, description)| (status.to_string(), response(description, "application/json", &error)))
        .collect();
    responses
        .insert("431".into(), json!({ "description": "The request is longer than 16 KiB. The response has no body." }));
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        if let Ok(schema) = <&mut Schema>::try_from(schema) {
            RecursiveTransform(close).transform(schema);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Masternode exporter",
            "version": "1",
            "summary": "State and events of masternodes, for scripts.",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "../..", "description": "The exporter that serves this document, also below a path." }],
        "paths": operations.iter().map(|operation| (operation.path.clone(), operation.item())).collect::<Map<_, _>>(),
        "components": { "schemas": schemas, "responses": responses },
    })
}

fn operations(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let id = json!({
        "name": "id", "in": "path", "required": true,
        "description": "proTxHash, txid-n of the collateral, alias in the watch list, or address.", "schema": name(),
    });
    let mut operations = vec![
        Operation {
            path: STATUS.into(),
            id: "status",
            summary: "Status of networks, sources and history.",
            answer: "The status.",
            schema: reference::<status::Status<'_>>(generator),
            parameters: vec![],
            errors: &["400", "431", "500"],
            links: Value::Null,
        },
        Operation {
            path: MASTERNODES.into(),
            id: "masternodes",
            summary: "Masternodes in pages, including watched ones that are not registered.",
            answer: "A page of masternodes.",
            schema: reference::<masternodes::Masternodes<'_>>(generator),
            parameters: masternodes::PARAMETERS.iter().map(parameter).collect(),
            errors: &["400", "404", "431", "500", "503"],
            links: links_of_masternodes(),
        },
        Operation {
            path: format!("{MASTERNODES}/{{id}}"),
            id: "masternode",
            summary: "All details of one masternode.",
            answer: "The masternode.",
            schema: reference::<masternodes::WholeMasternode<'_>>(generator),
            parameters: vec![id.clone(), parameter(&Parameter::NETWORK)],
            errors: &["400", "404", "409", "431", "500", "503"],
            links: Value::Null,
        },
        Operation {
            path: EVENTS.into(),
            id: "events",
            summary: "Events in pages.",
            answer: "A page of events.",
            schema: reference::<events::Events>(generator),
            parameters: events::PARAMETERS.iter().map(parameter).collect(),
            errors: &["400", "404", "409", "431", "500", "503"],
            links: json!({
                "since": {
                    "operationId": "events",
                    "parameters": { "after": "$response.body#/events/0/id" },
                    "description": "Events after the first one, if the history is enabled.",
                },
            }),
        },
        operation_earnings(generator),
        operation_contract(),
    ];
    operations.extend(operations_of_duties(generator, &id));
    operations
}

fn operations_of_duties(generator: &mut SchemaGenerator, id: &Value) -> [Operation; 4] {
    let with_id = |parameters: &[Parameter]| [id.clone()].into_iter().chain(parameters.iter().map(parameter)).collect();
    let calendar = json!({ "type": "string", "pattern": "^BEGIN:VCALENDAR\\r\\n" });
    [
        Operation {
            path: format!("{MASTERNODES}/{{id}}{DUTIES}"),
            id: "duties",
            summary: "DKG sessions ahead of one masternode, what follows if it goes offline, and what a restart costs.",
            answer: "The sessions in which it sits or may sit.",
            schema: reference::<answers::Duties<'_>>(generator),
            parameters: with_id(duties::OF_ONE),
            errors: &["400", "404", "409", "431", "500", "503"],
            links: Value::Null,
        },
        Operation {
            path: format!("{MASTERNODES}/{{id}}{CALENDAR}"),
            id: "calendar",
            summary: "Calendar of the known DKG seats of one masternode, to subscribe to.",
            answer: CALENDAR_ANSWER,
            schema: calendar.clone(),
            parameters: with_id(duties::CALENDAR_OF_ONE),
            errors: &["400", "404", "409", "431", "500", "503"],
            links: Value::Null,
        },
        Operation {
            path: CALENDAR_OF_ALL.into(),
            id: "calendarOfAll",
            summary: "Calendar of the known DKG seats of watched masternodes, to subscribe to.",
            answer: CALENDAR_ANSWER,
            schema: calendar,
            parameters: duties::CALENDAR_OF_ALL.iter().map(parameter).collect(),
            errors: &["400", "404", "431", "500", "503"],
            links: Value::Null,
        },
        Operation {
            path: RESTART_PLAN.into(),
            id: "restartPlan",
            summary: "An order of restarts of watched masternodes, so that none misses a DKG session.",
            answer: "A plan for each network.",
            schema: reference::<duties::RestartPlans<'_>>(generator),
            parameters: duties::PLAN.iter().map(parameter).collect(),
            errors: &["400", "404", "431", "500", "503"],
            links: Value::Null,
        },
    ]
}

fn operation_earnings(generator: &mut SchemaGenerator) -> Operation {
    Operation {
        path: EARNINGS.into(),
        id: "earnings",
        summary: "Sums of recorded payments, of watched masternodes unless others are named.",
        answer: "The sums.",
        schema: reference::<earnings::Earnings>(generator),
        parameters: earnings::PARAMETERS.iter().map(parameter).collect(),
        errors: &["400", "404", "409", "431", "500", "503"],
        links: Value::Null,
    }
}

fn operation_contract() -> Operation {
    Operation {
        path: CONTRACT_PATH.into(),
        id: "contract",
        summary: "This description.",
        answer: "An OpenAPI document.",
        schema: json!({
            "type": "object",
            "required": ["openapi", "paths"],
            "properties": { "openapi": { "const": "3.1.0" }, "paths": { "type": "object" } },
        }),
        parameters: vec![],
        errors: &["400", "431"],
        links: Value::Null,
    }
}

fn links_of_masternodes() -> Value {
    let to = |operation: &str, id: &str, description: &str| {
        json!({
            "operationId": operation,
            "parameters": {
                id: "$response.body#/masternodes/0/masternode",
                "network": "$response.body#/masternodes/0/network",
            },
            "description": description,
        })
    };
    json!({
        "masternode": to("masternode", "id", "All details of the first masternode."),
        "events": to("events", "masternode", "Events of the first masternode."),
    })
}

impl Operation {
    fn item(&self) -> Value {
        let media_type = if self.path.ends_with(".ics") { "text/calendar" } else { "application/json" };
        let mut good = response(self.answer, media_type, &self.schema);
        if self.parameters.iter().any(|parameter| parameter["name"] == Parameter::FORMAT.name) {
            good["content"]["text/csv"] = json!({ "schema": { "type": "string" } });
        }
        if !self.links.is_null() {
            good["links"] = self.links.clone();
        }
        let errors = self
            .errors
            .iter()
            .map(|status| (status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") })));
        let responses: Map<String, Value> = errors.chain([("200".to_string(), good)]).collect();
        let mut get = json!({ "operationId": self.id, "summary": self.summary, "responses": responses });
        if !self.parameters.is_empty() {
            get["parameters"] = self.parameters.clone().into();
        }
        json!({ "get": get })
    }
}

fn response(description: &str, media_type: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { media_type: { "schema": schema } } })
}

fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().into()
}

fn parameter(parameter: &Parameter) -> Value {
    let Parameter { name, description, times, schema } = parameter;
    let value = schema();
    match times {
        Times::Once => json!({ "name": name, "in": "query", "description": description, "schema": value }),
        Times::Many => json!({
            "name": name, "in": "query", "description": description, "style": "form", "explode": true,
            "schema": { "type": "array", "items": value, "minItems": 1, "maxItems": TIMES },
        }),
    }
}

/// Objects have no additional properties, and number formats are those of JSON.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".into(), false.into());
    }
    let of_rust = |format: &Value| format.as_str().is_some_and(|format| format == "double" || format.contains("int"));
    if schema.get("format").is_some_and(of_rust) {
        schema.remove("format");
    }
}
