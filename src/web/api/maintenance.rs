//! Maintenance that is given to the running exporter: the requests and answers, which the command line shares.
//!
//! Never here: which masternodes are meant, keeping anything (`app`).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use domain::maintenance::{Maintenance, MaintenanceTarget};
use domain::masternode::UnixSeconds;
use domain::rfc3339;
use domain::watch::{Selector, WatchField, parse_group};

/// Its path.
pub const PATH: &str = "/api/v1/maintenance";

/// Longest text of an alias, a group or a reason.
const LONGEST: usize = 200;

/// A request for a maintenance: one of `masternode`, `alias`, `group` and `select`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewMaintenance {
    /// Identity, alias or address of a masternode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masternode: Option<String>,
    /// Alias of the watch list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Group of the watch list, `key=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Fields and their values, as in `watch[].select`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub select: BTreeMap<String, String>,
    /// Only on this network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Its end: a time, or a day, to its end.
    pub until: String,
    /// The reason.
    pub reason: String,
}

/// One maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceEntry {
    /// Its number, to end it; null for one of the configuration.
    pub id: Option<u64>,
    /// What it selects: `alias=mn-1`, `group customer=acme`, `payout_address=X…`, or an identity.
    pub target: String,
    /// The network, if it is limited to one.
    pub network: Option<String>,
    /// Its end.
    pub until_time: String,
    /// The reason.
    pub reason: String,
    /// The watched masternodes that it selects now.
    pub masternodes: usize,
    /// Whether it is still in force after a restart of the exporter.
    pub survives_restart: bool,
}

/// An answer: all maintenance, what was added, or what was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceList {
    /// By their ends.
    pub maintenance: Vec<MaintenanceEntry>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaintenanceCommand {
    /// All that has not ended.
    List,
    /// A new one.
    Add(Box<NewMaintenance>),
    /// The end of the one with this number.
    End(u64),
}

/// The answer, or a status and a sentence.
pub type MaintenanceAnswer = Result<MaintenanceList, (StatusCode, String)>;

impl MaintenanceCommand {
    /// The command of a request.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn read(method: &str, query: &str, body: &[u8]) -> Result<MaintenanceCommand, String> {
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        match (method, given.as_slice()) {
            ("POST", []) => {
                let request = serde_json::from_slice(body);
                request.map(|new| MaintenanceCommand::Add(Box::new(new))).map_err(|error| format!("the body: {error}"))
            }
            ("DELETE", [(name, id)]) if name == "id" => {
                let id = id.parse().map_err(|_| "id must be the number of a maintenance")?;
                Ok(MaintenanceCommand::End(id))
            }
            ("DELETE", _) => Err("give the number of the maintenance: ?id=1".into()),
            (_, []) => Ok(MaintenanceCommand::List),
            _ => Err("this path has no parameters".into()),
        }
    }
}

impl NewMaintenance {
    /// What is meant, without a number.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn read(&self) -> Result<Maintenance, String> {
        let texts = [&self.alias, &self.group, &self.network].into_iter().flatten().chain([&self.reason]);
        if texts
            .chain(self.select.values())
            .any(|text| text.chars().count() > LONGEST || text.contains(char::is_control))
        {
            return Err(format!("texts have at most {LONGEST} characters, none of them a control character"));
        }
        let until = rfc3339::span(&self.until).map(|(_, last)| last);
        let until = until.ok_or("until must be a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z")?;
        Ok(Maintenance { target: self.target()?, until, reason: self.reason.clone(), id: None })
    }

    fn target(&self) -> Result<MaintenanceTarget, String> {
        let fields = (!self.select.is_empty()).then_some(&self.select);
        match (&self.masternode, &self.alias, &self.group, fields) {
            (Some(name), None, None, None) if !name.is_empty() => Ok(match name.parse() {
                Ok(id) => MaintenanceTarget::Selector(Selector::Id(id)),
                Err(_) if name.parse::<SocketAddr>().is_ok() => {
                    MaintenanceTarget::Selector(Selector::Fields(vec![(WatchField::Address, name.clone())]))
                }
                Err(_) => MaintenanceTarget::Alias(name.clone()),
            }),
            (None, Some(alias), None, None) if !alias.is_empty() => Ok(MaintenanceTarget::Alias(alias.clone())),
            (None, None, Some(group), None) => {
                let (key, group) =
                    parse_group(group).ok_or_else(|| format!("{group:?} is no group: write customer=acme"))?;
                Ok(MaintenanceTarget::Group(key.into(), group.into()))
            }
            (None, None, None, Some(fields)) => {
                let field = |(name, value): (&String, &String)| {
                    let field =
                        WatchField::ALL.into_iter().find(|field| field.label() == name && field.detail().is_some());
                    field.map(|field| (field, value.clone())).ok_or_else(|| format!("no field {name:?} can select"))
                };
                let fields = fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
                Ok(MaintenanceTarget::Selector(Selector::Fields(fields)))
            }
            _ => Err("give one of masternode, alias, group and select".into()),
        }
    }
}

impl MaintenanceEntry {
    /// The entry of a maintenance.
    pub fn new(
        network: Option<&String>,
        of: &Maintenance,
        masternodes: usize,
        survives_restart: bool,
    ) -> MaintenanceEntry {
        MaintenanceEntry {
            id: of.id,
            target: of.target.to_string(),
            network: network.cloned(),
            until_time: rfc3339::text(UnixSeconds(of.until.0)),
            reason: of.reason.clone(),
            masternodes,
            survives_restart,
        }
    }
}
