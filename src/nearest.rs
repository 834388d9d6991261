//! The known name nearest to an unknown one, for errors.
//!
//! Never here: what is named.

/// The known name closest to `name`; `None` if none is close enough.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter().filter(|known| !known.is_empty());
    let near = known.map(|known| (strsim::osa_distance(name, known), known)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= 2 && near.0 < name.chars().count()).then_some(near.1)
}

/// The end of an error about an unknown name: `; did you mean …?`, or nothing.
#[must_use]
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_if_it_is_near() {
        let known = ["", "mn-1", "mn-12", "treasury"];
        for (name, expected) in [
            ("mn-2", Some("mn-1")),
            ("mn-122", Some("mn-12")),
            ("tresury", Some("treasury")),
            ("other", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        let keys = ["sources", "poll_interval", "history", "url"];
        for (key, expected) in [
            ("source", Some("sources")),
            ("pol_intervall", Some("poll_interval")),
            ("histroy", Some("history")),
            ("networks", None),
            ("ur", Some("url")),
        ] {
            assert_eq!(nearest(key, keys), expected, "{key}");
        }
        assert_eq!(hint("tresury", known), "; did you mean treasury?");
        assert_eq!(hint("other", known), "");
    }
}
