//! DKG sessions ahead of masternodes, as JSON and as calendars, and plans of restarts.
//!
//! Never here: the JSON (`json`), the format of calendars (`calendar`).

use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::web::api::json::{Duties, RestartPlan};
use crate::web::api::masternodes::{asked, only, watched};
use crate::web::api::parameters::{Parameter, Parameters, whole};
use crate::web::api::{Api, ApiError, calendar, unavailable, written};
use domain::NetworkState;

/// Minutes of a restart, if not given.
pub const RESTART_MINUTES: u32 = 10;

/// The longest restart: a day.
pub const MOST_MINUTES: u32 = 1_440;

/// Most restarts at a time.
pub const MOST_PARALLEL: u32 = 100;

const MINUTES: Parameter = Parameter::once(
    "minutes",
    "How long a restart takes, until the masternode is connected again.",
    || json!({ "type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "default": RESTART_MINUTES }),
);

const PARALLEL: Parameter = Parameter::once(
    "parallel",
    "Maximum number of restarts at a time.",
    || json!({ "type": "integer", "minimum": 1, "maximum": MOST_PARALLEL, "default": 1 }),
);

/// Parameters of the sessions of one masternode.
pub(super) const OF_ONE: &[Parameter] = &[Parameter::NETWORK, MINUTES];

/// Parameters of the calendar of one masternode.
pub(super) const CALENDAR_OF_ONE: &[Parameter] = &[Parameter::NETWORK];

/// Parameters of the calendar of watched masternodes.
pub(super) const CALENDAR_OF_ALL: &[Parameter] =
    &[Parameter::NETWORK, Parameter::MASTERNODE, Parameter::ALIAS, Parameter::GROUP];

/// Parameters of a plan.
pub(super) const PLAN: &[Parameter] =
    &[Parameter::NETWORK, Parameter::MASTERNODE, Parameter::ALIAS, Parameter::GROUP, MINUTES, PARALLEL];

/// Plans of restarts, by network.
#[derive(Serialize, JsonSchema)]
pub(super) struct RestartPlans<'a> {
    /// One for each network with a list.
    plans: Vec<RestartPlan<'a>>,
}

fn bounded(parameters: &Parameters, name: &str, most: u32, usual: u32) -> Result<u32, ApiError> {
    let fits = |value: &str| whole(value).filter(|value| (1..=most).contains(value));
    let given = parameters.read_one(name, &format!("a whole number from 1 to {most}"), fits)?;
    Ok(given.unwrap_or(usual))
}

/// The DKG sessions ahead of one masternode.
pub(super) fn duties(api: &Api, id: &str, query: &str) -> Result<Bytes, ApiError> {
    let (parameters, networks, id) = asked(api, id, query, OF_ONE)?;
    let minutes = bounded(&parameters, "minutes", MOST_MINUTES, RESTART_MINUTES)?;
    let subject = only(&networks, &id)?;
    rely_on(api, networks.iter().filter(|network| *network.network == *subject.snapshot.network()))?;
    written(&Duties::new(&subject, id, minutes))
}

/// The known seats of one masternode.
pub(super) fn calendar_of_one(api: &Api, id: &str, query: &str) -> Result<Bytes, ApiError> {
    let (_, networks, id) = asked(api, id, query, CALENDAR_OF_ONE)?;
    let subject = only(&networks, &id)?;
    Ok(calendar::calendar(&format!("DKG sessions of {}", subject.name(&id)), &calendar::seats(&subject, &id)).into())
}

/// The known seats of watched masternodes.
pub(super) fn calendar_of_all(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    let parameters = Parameters::read(query, CALENDAR_OF_ALL)?;
    let networks = api.chosen(&parameters)?;
    let watched = watched(&networks, &parameters)?;
    let mut events: Vec<_> = watched
        .iter()
        .flat_map(|(_, subjects)| subjects)
        .flat_map(|(id, subject)| calendar::seats(subject, id))
        .collect();
    events.sort_by_key(|event| event.start);
    Ok(calendar::calendar("DKG sessions of masternodes", &events).into())
}

/// Refuses advice by a list that does not describe the present.
fn rely_on<'a>(api: &Api, mut networks: impl Iterator<Item = &'a Arc<NetworkState>>) -> Result<(), ApiError> {
    let doubt = |network: &Arc<NetworkState>| {
        let doubt = network.doubt((api.clock)())?;
        Some(unavailable(&format!("no advice for network {}: {doubt}", network.network)))
    };
    networks.find_map(doubt).map_or(Ok(()), Err)
}

/// A plan of restarts of watched masternodes.
pub(super) fn restart_plan(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    let parameters = Parameters::read(query, PLAN)?;
    let minutes = bounded(&parameters, "minutes", MOST_MINUTES, RESTART_MINUTES)?;
    let parallel = bounded(&parameters, "parallel", MOST_PARALLEL, 1)?;
    let networks = api.chosen(&parameters)?;
    rely_on(api, networks.iter())?;
    let watched = watched(&networks, &parameters)?;
    let plans = watched.iter().map(|(snapshot, subjects)| RestartPlan::new(snapshot, subjects, minutes, parallel));
    written(&RestartPlans { plans: plans.collect() })
}
