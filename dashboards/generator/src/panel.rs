//! A panel: its type, texts, queries, unit and thresholds.
//!
//! Never here: the position of a panel, or the subject of a dashboard.

use serde_json::{Value, json};

use crate::queries::scoped;

/// Healthy. The colours are those of the status page (`style.css`), and always accompanied by a word or a number.
pub(crate) const CALM: &str = "#3aa76d";
/// Should be checked.
pub(crate) const LOOK: &str = "#e0a526";
/// One step from harm.
pub(crate) const NEAR: &str = "#ee7a2c";
/// Harm.
pub(crate) const HARM: &str = "#d9392b";
/// A reference level.
pub(crate) const LEVEL: &str = "#7cc0ff";
/// Unhealthy; also an expected value, not an observed one.
pub(crate) const EXPECTED: &str = "#8f74c9";
/// Neutral.
pub(crate) const PLAIN: &str = "#0a5ea8";
/// Missing or irrelevant.
pub(crate) const FAINT: &str = "#8a95a3";

/// Texts of empty panels: why a panel may be empty.
pub(crate) const SCORED: &str = "Only on chains with a Proof-of-Service score (Dash)";
pub(crate) const SCORED_WATCHED: &str = "Only for watched masternodes of chains with a Proof-of-Service score (Dash)";
pub(crate) const QUORUMS: &str = "Only on chains whose quorums are known (Dash)";
pub(crate) const PINGED: &str = "Only on chains with pings (Dimecoin, PRCYCoin)";
pub(crate) const QUEUED: &str = "Only on chains that pay in a fixed order (Dash)";
pub(crate) const DRAWN: &str = "Only on chains with random payee selection (Dimecoin, PRCYCoin)";
pub(crate) const POOLED: &str = "Only on chains with a payment pool (Dimecoin)";
pub(crate) const PAID: &str = "This chain hides payees (PRCYCoin)";
pub(crate) const AMOUNTS: &str =
    "No watched masternode was paid a known amount, or this chain hides amounts (PRCYCoin)";
pub(crate) const CALLED: &str = "Probes are off (probe.enabled), or there is no address to probe";
pub(crate) const SESSIONS: &str = "No source reports DKG sessions: only a masternode or a node with watchquorums does";
pub(crate) const DEMANDED: &str = "No requirement can be evaluated";
pub(crate) const SEATED: &str = "Only for watched masternodes of chains whose quorums are known (Dash)";
pub(crate) const WATCHED: &str = "Only for masternodes on the watch list";

pub(crate) const BLOCKS: &str = "suffix:blocks";
pub(crate) const POINTS: &str = "suffix:points";
pub(crate) const NODES: &str = "suffix:masternodes";

/// A panel under construction.
pub(crate) struct Panel {
    pub(crate) json: Value,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A query of a table and the column that it fills.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) expr: String,
    pub(crate) unit: &'static str,
    pub(crate) looks: Vec<Value>,
}

impl Column {
    pub(crate) fn new(name: &'static str, unit: &'static str, expr: impl Into<String>) -> Column {
        Column { name, expr: expr.into(), unit, looks: Vec::new() }
    }

    /// Adds a property to the column's cells.
    pub(crate) fn look(mut self, id: &str, value: Value) -> Column {
        self.looks.push(json!({"id": id, "value": value}));
        self
    }
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn steps(levels: &[(f64, &str)], base: &str) -> Value {
    let first = json!({"color": base, "value": null});
    let rest = levels.iter().map(|(value, colour)| json!({"color": colour, "value": value}));
    json!({"mode": "absolute", "steps": std::iter::once(first).chain(rest).collect::<Vec<Value>>()})
}

impl Panel {
    fn new(kind: &str, title: &str, description: &str, unit: &str, options: Value) -> Panel {
        let json = json!({
            "type": kind, "title": title, "description": description, "datasource": source(), "targets": [],
            "options": options, "transparent": false, "links": [],
            "fieldConfig": {
                "defaults": {
                    "unit": unit, "color": {"mode": "thresholds"}, "thresholds": steps(&[], CALM), "mappings": [], "custom": {},
                },
                "overrides": [],
            },
        });
        Panel { json, width: 12, height: 8 }
    }

    /// Current values, each coloured by its threshold.
    pub(crate) fn stat(title: &str, description: &str, unit: &str) -> Panel {
        let options = json!({
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
            "showPercentChange": false, "wideLayout": true, "percentChangeColorMode": "standard",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        });
        Panel::new("stat", title, description, unit, options).size(4, 4)
    }

    /// Lines over time. Gaps stay empty.
    pub(crate) fn lines(title: &str, description: &str, unit: &str) -> Panel {
        let options = json!({
            "legend": {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        });
        let mut panel = Panel::new("timeseries", title, description, unit, options);
        panel.defaults("color", json!({"mode": "palette-classic-by-name"}));
        panel.defaults("custom", json!({
            "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 2, "fillOpacity": 0, "showPoints": "never",
            "spanNulls": false, "axisSoftMin": 0, "stacking": {"mode": "none", "group": "A"},
            "thresholdsStyle": {"mode": "off"},
        }));
        panel
    }

    /// Bars of events per time step.
    pub(crate) fn bars(title: &str, description: &str, unit: &str) -> Panel {
        let mut panel = Panel::lines(title, description, unit).decimals(0);
        // Steps of at least a few scrapes: otherwise the windows overlap, and one event appears in several bars.
        panel.json["interval"] = json!("2m");
        panel.json["options"]["legend"]["calcs"] = json!(["sum"]);
        panel.custom("drawStyle", json!("bars"));
        panel.custom("fillOpacity", json!(80));
        panel.custom("lineWidth", json!(1));
        panel
    }

    /// Stacked shares over time.
    pub(crate) fn areas(title: &str, description: &str, unit: &str) -> Panel {
        let mut panel = Panel::lines(title, description, unit);
        panel.custom("fillOpacity", json!(60));
        panel.custom("lineWidth", json!(1));
        panel.custom("stacking", json!({"mode": "normal", "group": "A"}));
        panel
    }

    /// States over time, as bands.
    pub(crate) fn bands(title: &str, description: &str) -> Panel {
        let options = json!({
            "alignValue": "left", "mergeValues": true, "rowHeight": 0.8, "showValue": "auto",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false},
            "tooltip": {"mode": "single", "sort": "none"},
        });
        let mut panel = Panel::new("state-timeline", title, description, "bool", options);
        panel.defaults("custom", json!({"fillOpacity": 80, "lineWidth": 0}));
        panel
    }

    /// Bars of current values, one for each series.
    pub(crate) fn gauges(title: &str, description: &str, unit: &str) -> Panel {
        let options = json!({
            "displayMode": "basic", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 300, "namePlacement": "auto",
            "orientation": "horizontal", "showUnfilled": true, "sizing": "auto", "valueMode": "color",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false},
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        });
        let mut panel = Panel::new("bargauge", title, description, unit, options);
        panel.defaults("min", json!(0));
        panel
    }

    /// A table of current values: a row for each set of labels, the given labels first, then a column for each query. A
    /// column that is sorted by before all others comes first. Sorted by `sort`, each descending if requested.
    pub(crate) fn table(
        title: &str,
        description: &str,
        labels: &[(&str, &str)],
        columns: Vec<Column>,
        sort: &[(&str, bool)],
    ) -> Panel {
        let options = json!({
            "cellHeight": "sm", "showHeader": true, "frameIndex": 0,
            "sortBy": sort.iter().map(|(name, down)| json!({"displayName": name, "desc": down})).collect::<Vec<Value>>(),
        });
        let mut panel = Panel::new("table", title, description, "none", options);
        panel.defaults(
            "custom",
            json!({"align": "auto", "cellOptions": {"type": "auto"}, "filterable": false, "inspect": false}),
        );
        let fields = fields(columns.len());
        // The sort column comes first, then the identity. A long hash would hide important columns, so it comes last.
        let leads = columns.first().is_some_and(|column| sort.first().is_some_and(|(name, _)| *name == column.name));
        let (first, rest) = fields.split_at(usize::from(leads));
        let (hash, names): (Vec<&str>, Vec<&str>) =
            labels.iter().map(|(label, _)| *label).partition(|label| *label == "masternode");
        let order = first.iter().map(String::as_str).chain(names).chain(rest.iter().map(String::as_str)).chain(hash);
        let order: serde_json::Map<String, Value> =
            order.enumerate().map(|(place, name)| (name.to_string(), json!(place))).collect();
        let mut overrides = Vec::new();
        for (field, column) in fields.iter().zip(&columns) {
            let mut properties =
                vec![json!({"id": "displayName", "value": column.name}), json!({"id": "unit", "value": column.unit})];
            properties.extend(column.looks.iter().cloned());
            overrides.push(json!({"matcher": {"id": "byName", "options": field}, "properties": properties}));
            panel = panel.target(&column.expr, "", true, "table");
        }
        for (label, name) in labels {
            let properties = json!([{"id": "displayName", "value": name}]);
            overrides.push(json!({"matcher": {"id": "byName", "options": label}, "properties": properties}));
        }
        panel.json["fieldConfig"]["overrides"] = Value::Array(overrides);
        panel.json["transformations"] = json!([
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {
                "excludeByName": {"Time": true}, "includeByName": {}, "indexByName": order, "renameByName": {},
            }},
        ]);
        panel.size(24, 10)
    }

    fn defaults(&mut self, key: &str, value: Value) {
        self.json["fieldConfig"]["defaults"][key] = value;
    }

    fn custom(&mut self, key: &str, value: Value) {
        self.json["fieldConfig"]["defaults"]["custom"][key] = value;
    }

    fn target(mut self, expr: &str, legend: &str, instant: bool, format: &str) -> Panel {
        let targets = self.json["targets"].as_array_mut().expect("a panel is made with a list of targets");
        let reference = reference(targets.len());
        targets.push(json!({
            "refId": reference, "expr": scoped(expr), "legendFormat": legend, "instant": instant, "range": !instant, "format": format,
            "editorMode": "code", "datasource": source(),
        }));
        self
    }

    /// Adds a query; an instant query if only the newest value is shown.
    pub(crate) fn query(self, legend: &str, expr: impl AsRef<str>) -> Panel {
        let instant = matches!(self.json["type"].as_str(), Some("stat" | "bargauge"));
        self.target(expr.as_ref(), legend, instant, "time_series")
    }

    pub(crate) fn size(mut self, width: u32, height: u32) -> Panel {
        (self.width, self.height) = (width, height);
        self
    }

    /// Thresholds at which the colour changes; below the first, `base`. Panels with an axis show them as lines.
    pub(crate) fn levels(mut self, base: &str, levels: &[(f64, &str)]) -> Panel {
        self.defaults("thresholds", steps(levels, base));
        if self.json["type"] == "timeseries" && !levels.is_empty() {
            self.custom("thresholdsStyle", json!({"mode": "dashed"}));
        }
        if self.json["type"] == "stat" && !levels.is_empty() {
            self.json["options"]["colorMode"] = json!("background_solid");
        }
        self
    }

    /// Words instead of numbers, each with its colour.
    pub(crate) fn words(mut self, words: &[(&str, &str, &str)]) -> Panel {
        self.defaults("mappings", mapping(words));
        self
    }

    /// The text of an empty panel.
    pub(crate) fn or_says(mut self, words: &str) -> Panel {
        self.defaults("noValue", json!(words));
        self
    }

    pub(crate) fn between(mut self, low: f64, high: f64) -> Panel {
        self.defaults("min", json!(low));
        self.defaults("max", json!(high));
        self
    }

    pub(crate) fn decimals(mut self, decimals: u32) -> Panel {
        self.defaults("decimals", json!(decimals));
        self
    }

    pub(crate) fn option(mut self, key: &str, value: Value) -> Panel {
        self.json["options"][key] = value;
        self
    }

    /// A fixed colour for the series with this name.
    pub(crate) fn colour(self, name: &str, colour: &str) -> Panel {
        self.series(name, &[("color", json!({"mode": "fixed", "fixedColor": colour}))])
    }

    /// A colour for this number from 1 on; 0 is neutral.
    pub(crate) fn counted(self, name: &str, colour: &str) -> Panel {
        self.series(name, &[("thresholds", steps(&[(1.0, colour)], FAINT))])
    }

    /// A dashed line: a level or an expectation, not an observation.
    pub(crate) fn dashed(self, name: &str, colour: &str) -> Panel {
        self.series(
            name,
            &[
                ("color", json!({"mode": "fixed", "fixedColor": colour})),
                ("custom.lineStyle", json!({"fill": "dash", "dash": [8, 6]})),
                ("custom.lineWidth", json!(1)),
            ],
        )
    }

    /// Dashes for all series with this suffix.
    pub(crate) fn dashed_ending(mut self, ending: &str) -> Panel {
        let overrides = self.json["fieldConfig"]["overrides"].as_array_mut().expect("a panel is made with overrides");
        overrides.push(json!({"matcher": {"id": "byRegexp", "options": format!("/{ending}$/")}, "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
        ]}));
        self
    }

    pub(crate) fn series(mut self, name: &str, properties: &[(&str, Value)]) -> Panel {
        let properties: Vec<Value> = properties.iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
        let overrides = self.json["fieldConfig"]["overrides"].as_array_mut().expect("a panel is made with overrides");
        overrides.push(json!({"matcher": {"id": "byName", "options": name}, "properties": properties}));
        self
    }
}

/// Letter by which Grafana identifies the queries of a panel.
fn reference(index: usize) -> char {
    char::from(b'A' + u8::try_from(index).expect("a panel has a few queries"))
}

/// Grafana's name for the values of a table's queries: a single one has no letter.
fn fields(queries: usize) -> Vec<String> {
    match queries {
        1 => vec!["Value".to_string()],
        _ => (0..queries).map(|index| format!("Value #{}", reference(index))).collect(),
    }
}

/// The mapping of single values to words.
pub(crate) fn mapping(words: &[(&str, &str, &str)]) -> Value {
    let options: serde_json::Map<String, Value> = words
        .iter()
        .enumerate()
        .map(|(index, (value, text, colour))| {
            ((*value).to_string(), json!({"text": text, "color": colour, "index": index}))
        })
        .collect();
    json!([{"type": "value", "options": options}])
}

/// A cell whose background has the colour of its value.
pub(crate) fn coloured() -> Value {
    json!({"type": "color-background", "mode": "basic", "applyToRow": false})
}

/// A link to the dashboard of one masternode, from a row with its identity.
pub(crate) fn to_masternode() -> Value {
    json!([{
        "title": "This masternode",
        "url": "/d/masternode-one/?${datasource:queryparam}&var-network=${__data.fields.network}&var-masternode=${__data.fields.masternode}&${__url_time_range}",
        "targetBlank": false,
    }])
}
