//! Common parts of all dashboards: variables, links to the others, annotations, and the grid.
//!
//! Never here: the panels of a dashboard.

use serde_json::{Value, json};

use crate::panel::Panel;
use crate::queries::{SCOPE, scoped};

/// The tag by which the dashboards link to each other.
pub(crate) const TAG: &str = "masternode-exporter";

/// Columns of the grid.
const COLUMNS: u32 = 24;

/// The current line of the grid.
#[derive(Default)]
struct Line {
    top: u32,
    height: u32,
    /// Filled columns from the left.
    filled: u32,
    /// Width and bottom of the last panel: a low one leaves space below it.
    last: (u32, u32),
}

/// A dashboard under construction.
pub(crate) struct Board {
    json: Value,
    panels: Vec<Value>,
    variables: Vec<Value>,
    annotations: Vec<Value>,
    line: Line,
}

impl Board {
    pub(crate) fn new(uid: &str, title: &str, description: &str, from: &str, to: &str) -> Board {
        let json = json!({
            "uid": uid, "title": format!("Masternodes / {title}"), "description": description, "tags": [TAG], "id": null,
            "schemaVersion": 39, "version": 1, "editable": false, "graphTooltip": 1, "refresh": "1m", "timezone": "browser",
            "time": {"from": from, "to": to}, "timepicker": {}, "fiscalYearStartMonth": 0, "weekStart": "", "liveNow": false,
            "links": [{
                "type": "dashboards", "title": "Masternodes", "tags": [TAG], "asDropdown": false, "includeVars": true,
                "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "", "url": "",
            }],
        });
        let datasource = json!({
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "regex": "",
            "hide": 0, "multi": false, "includeAll": false, "options": [], "skipUrlSync": false,
        });
        let board = Board {
            json,
            panels: Vec::new(),
            variables: vec![datasource],
            annotations: Vec::new(),
            line: Line::default(),
        };
        board.targets()
    }

    /// The labels of targets: of one exporter in several clusters or namespaces, or under several jobs. A label that no target has
    /// matches "All".
    fn targets(mut self) -> Board {
        let mut scope = String::new();
        for (name, label) in [("cluster", "Cluster"), ("namespace", "Namespace"), ("job", "Job")] {
            let query = format!("label_values(masternode_exporter_build_info{{{scope}}}, {name})");
            self.variable(name, label, &query, &json!({"allValue": ".*"}));
            let comma = if scope.is_empty() { "" } else { "," };
            scope = format!("{scope}{comma}{name}=~\"${name}\"");
        }
        self
    }

    fn variable(&mut self, name: &str, label: &str, query: &str, rest: &Value) {
        let mut variable = json!({
            "name": name, "label": label, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": {"query": scoped(query), "refId": "StandardVariableQuery"}, "refresh": 2, "regex": "", "sort": 1,
            "hide": 0, "multi": true, "includeAll": true, "options": [], "skipUrlSync": false,
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        });
        for (key, value) in rest.as_object().into_iter().flatten() {
            variable[key] = value.clone();
        }
        if variable["includeAll"] == false && rest.get("current").is_none() {
            // Without a current value, Grafana selects the first.
            variable.as_object_mut().expect("a variable is an object").remove("current");
        }
        self.variables.push(variable);
    }

    /// The networks, from metrics of the sources, which exist even without a list.
    pub(crate) fn networks(mut self) -> Board {
        self.variable(
            "network",
            "Network",
            &format!("label_values(masternode_exporter_source_up{{{SCOPE}}}, network)"),
            &json!({"allValue": ".+"}),
        );
        self
    }

    /// The group keys, and the groups of the selected key. Without groups in the watch list, the key is `alias`, a
    /// label that always exists, so that filters by group stay valid queries.
    pub(crate) fn groups(mut self) -> Board {
        let kinds = "query_result(group by (group_key) (masternode_group_nodes{network=~\"$network\"}) \
                     or on () label_replace(vector(1), \"group_key\", \"alias\", \"\", \"\"))";
        let single = json!({"multi": false, "includeAll": false, "regex": "/group_key=\"([^\"]+)\"/"});
        self.variable("group_key", "Group by", kinds, &single);
        let groups = "label_values(masternode_group_nodes{network=~\"$network\",group_key=\"$group_key\"}, group)";
        self.variable("group", "Group", groups, &json!({"allValue": ".*"}));
        self
    }

    /// The watched masternodes of the groups. Without a watch list the selection is empty, which matches the empty
    /// alias of all other masternodes: the dashboards then show those.
    pub(crate) fn aliases(mut self) -> Board {
        let query = "label_values({__name__=~\"masternode_info|masternode_registered\",network=~\"$network\",\
                     ${group_key:raw}=~\"$group\"}, alias)";
        self.variable("alias", "Alias", query, &json!({}));
        self
    }

    /// One masternode of one network.
    pub(crate) fn one_masternode(mut self) -> Board {
        let single = json!({"multi": false, "includeAll": false});
        let query = "label_values({__name__=~\"masternode_enabled|masternode_registered\",network=~\"$network\",\
                     alias=~\"$alias\"}, masternode)";
        self.variable("masternode", "Masternode", query, &single);
        self
    }

    pub(crate) fn horizons(mut self) -> Board {
        let day = json!({"multi": false, "includeAll": false, "sort": 3, "current": {"text": "24h", "value": "24h"}});
        let query = "label_values(masternode_payment_probability_ratio{network=~\"$network\"}, horizon)";
        self.variable("horizon", "Payment within", query, &day);
        self
    }

    pub(crate) fn instances(mut self) -> Board {
        let query = format!("label_values(masternode_exporter_build_info{{{SCOPE}}}, instance)");
        self.variable("instance", "Exporter", &query, &json!({"allValue": ".+"}));
        self
    }

    /// Annotations on every panel when one of our counters rises.
    pub(crate) fn annotation(mut self, name: &str, expr: &str, title: &str, colour: &str, shown: bool) -> Board {
        self.annotations.push(json!({
            "name": name, "datasource": {"type": "prometheus", "uid": "${datasource}"}, "enable": shown, "hide": false,
            "iconColor": colour, "expr": scoped(expr), "step": "60s", "titleFormat": title, "textFormat": "", "tagKeys": "network",
            "useValueForTime": false, "type": "tags",
        }));
        self
    }

    fn end_line(&mut self) {
        self.line = Line { top: self.line.top + self.line.height, ..Line::default() };
    }

    fn add(&mut self, mut panel: Value, place: [u32; 4]) {
        panel["gridPos"] = json!({"x": place[0], "y": place[1], "w": place[2], "h": place[3]});
        panel["id"] = json!(self.panels.len() + 1);
        self.panels.push(panel);
    }

    /// A heading over the panels that follow.
    pub(crate) fn row(mut self, title: &str) -> Board {
        self.end_line();
        let top = self.line.top;
        self.add(json!({"type": "row", "title": title, "collapsed": false, "panels": []}), [0, top, COLUMNS, 1]);
        self.line = Line { top: top + 1, ..Line::default() };
        self
    }

    /// The next panel: next to the last one if it fits, otherwise below it if that is low enough, otherwise on a new
    /// line.
    pub(crate) fn panel(mut self, panel: Panel) -> Board {
        let (width, bottom) = self.line.last;
        let end = self.line.top + self.line.height;
        if self.line.filled + panel.width > COLUMNS && width == panel.width && bottom + panel.height <= end {
            self.add(panel.json, [self.line.filled - width, bottom, width, panel.height]);
            self.line.last = (width, bottom + panel.height);
            return self;
        }
        if self.line.filled + panel.width > COLUMNS {
            self.end_line();
        }
        let Line { top, height, filled, .. } = self.line;
        self.add(panel.json, [filled, top, panel.width, panel.height]);
        let last = (panel.width, top + panel.height);
        self.line = Line { top, height: height.max(panel.height), filled: filled + panel.width, last };
        self
    }

    pub(crate) fn build(mut self) -> Value {
        let built_in = json!({
            "builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard", "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)", "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        });
        self.annotations.insert(0, built_in);
        self.json["annotations"] = json!({"list": self.annotations});
        self.json["templating"] = json!({"list": self.variables});
        self.json["panels"] = Value::Array(self.panels);
        self.json
    }
}
