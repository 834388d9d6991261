//! The query of the overview: the fields of its form, as in the URL.
//!
//! Parsing is lenient: invalid values are ignored, and the page shows what applies.
//!
//! Never here: whether a name exists.

use crate::web::pages::sorting::{Column, Sort};
use domain::watch::parse_group;

/// Maximum length of the search text, in characters.
const LONGEST: usize = 200;

/// The masternodes to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// Those of the watch list.
    Watched,
    /// Those that are not clear.
    AtRisk,
    /// All.
    All,
}

impl Show {
    pub(super) const ALL: [Show; 3] = [Show::Watched, Show::AtRisk, Show::All];

    /// The value of the parameter.
    pub(super) fn name(self) -> &'static str {
        match self {
            Show::Watched => "watched",
            Show::AtRisk => "risk",
            Show::All => "all",
        }
    }

    /// The visible label.
    pub(super) fn said(self) -> &'static str {
        match self {
            Show::Watched => "Watched masternodes",
            Show::AtRisk => "Masternodes at risk",
            Show::All => "All masternodes",
        }
    }
}

/// How a page is refreshed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Refresh {
    /// By the browser, automatically.
    #[default]
    Itself,
    /// Only by the reader, for slow reading and screen readers.
    Never,
}

impl Refresh {
    /// Seconds between refreshes.
    pub(super) const SECONDS: u32 = 30;

    fn read(value: &str) -> Refresh {
        if value == "off" { Refresh::Never } else { Refresh::Itself }
    }

    pub(super) fn other(self) -> Refresh {
        match self {
            Refresh::Itself => Refresh::Never,
            Refresh::Never => Refresh::Itself,
        }
    }

    pub(super) fn said(self) -> String {
        match self {
            Refresh::Itself => format!("This page refreshes every {} seconds.", Refresh::SECONDS),
            Refresh::Never => "Auto-refresh is disabled.".into(),
        }
    }

    pub(super) fn other_said(self) -> &'static str {
        match self {
            Refresh::Itself => "Disable auto-refresh",
            Refresh::Never => "Enable auto-refresh",
        }
    }
}

/// The parsed query. An empty text means no filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PageQuery {
    /// A part of an alias, identity or address, in lower case.
    pub(super) text: String,
    /// Name of a network.
    pub(super) network: String,
    /// Key and value of a group, as `key=value`.
    pub(super) group: String,
    /// Label of a state.
    pub(super) state: String,
    /// `None` leaves the choice to the page.
    pub(super) show: Option<Show>,
    /// The order; `None` for the closest to a ban first.
    pub(super) sort: Option<Sort>,
    /// The refresh mode.
    pub(super) refresh: Refresh,
    /// The number of the page, from 1.
    pub(super) page: usize,
}

impl PageQuery {
    pub(super) fn read(query: &str) -> PageQuery {
        let mut asked = PageQuery { page: 1, ..PageQuery::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value: String = value.trim().chars().take(LONGEST).collect();
            match &*name {
                "q" => asked.text = value.to_lowercase(),
                "network" => asked.network = value,
                "group" => {
                    asked.group = parse_group(&value).map(|(key, group)| format!("{key}={group}")).unwrap_or(value);
                }
                "state" => asked.state = value,
                "show" => asked.show = Show::ALL.into_iter().find(|show| show.name() == value),
                "sort" => asked.sort = Sort::read(&value),
                "refresh" => asked.refresh = Refresh::read(&value),
                "page" => asked.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        asked
    }

    /// The URL of this query at `path`.
    pub(super) fn address(&self, path: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let texts = [("q", &self.text), ("network", &self.network), ("group", &self.group), ("state", &self.state)];
        for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        if let Some(show) = self.show {
            query.append_pair("show", show.name());
        }
        if let Some(sort) = self.sort {
            query.append_pair("sort", &sort.text());
        }
        if self.refresh == Refresh::Never {
            query.append_pair("refresh", "off");
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.into() } else { format!("{path}?{query}") }
    }

    /// The same query with the other refresh mode.
    pub(super) fn with_other_refresh(&self) -> PageQuery {
        PageQuery { refresh: self.refresh.other(), ..self.clone() }
    }

    /// The same query, sorted by a column; sorted the other way if it is already.
    pub(super) fn sorted_by(&self, column: Column) -> PageQuery {
        PageQuery { sort: Some(Sort::next(self.sort, column)), page: 1, ..self.clone() }
    }

    /// Whether it contains a filter.
    pub(super) fn is_filter(&self) -> bool {
        [&self.text, &self.network, &self.group, &self.state].iter().any(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_what_was_read_from_it() {
        let address =
            "/?q=a%26b&network=n&group=operator%3Dacme+%26+co&state=enabled&show=all&sort=-score&refresh=off&page=3";
        let asked = PageQuery::read(&address[2..]);
        assert_eq!((asked.text.as_str(), asked.group.as_str(), asked.page), ("a&b", "operator=acme & co", 3));
        assert_eq!(asked.address("/"), address);
        assert_eq!(PageQuery::read("group=operator:acme").group, "operator=acme", "a link of an earlier version");
        assert_eq!(PageQuery::read("").address("/"), "/");
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let nothing = PageQuery::read("");
        for query in ["page=0", "page=x", "page=-1", "show=some", "sort=danger", "refresh=1", "x=y", "%ff", "&&=", "q="]
        {
            assert_eq!(PageQuery::read(query), nothing, "{query}");
        }
        assert_eq!(PageQuery::read(&format!("q={}", "é".repeat(1000))).text.chars().count(), LONGEST);
    }
}
