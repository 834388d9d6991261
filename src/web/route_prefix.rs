//! The path below which a reverse proxy serves the exporter.
//!
//! Never here: the URL for users, whose path begins the links.

use std::fmt;

/// A path such as `/masternodes`, below which all routes are served too; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutePrefix(String);

impl RoutePrefix {
    /// Takes a path with or without slashes at its ends.
    ///
    /// # Errors
    /// A sentence that describes the mistake.
    pub fn new(path: &str) -> Result<RoutePrefix, String> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "/-._~%".contains(character);
        if !path.chars().all(is_plain) {
            return Err(format!("a path may have letters, digits and / - . _ ~ % only, and \"{path}\" has others"));
        }
        let parts = path.split('/').filter(|part| !part.is_empty());
        Ok(RoutePrefix(parts.flat_map(|part| ["/", part]).collect()))
    }

    /// The path, with a slash at its begin and none at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of a request without the prefix, if a route is there. Otherwise the proxy has removed the prefix, or
    /// the request did not come through it.
    pub(super) fn strip<'a>(&self, path: &'a str, is_route: impl Fn(&str) -> bool) -> &'a str {
        match path.strip_prefix(self.as_str()) {
            Some("") if !self.0.is_empty() && !is_route(path) => "/",
            Some(below) if below.starts_with('/') && is_route(below) => below,
            _ => path,
        }
    }
}

impl fmt::Display for RoutePrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_mean_nothing() {
        for path in ["/some/prefix", "some/prefix", "/some/prefix/", "//some//prefix//"] {
            assert_eq!(RoutePrefix::new(path).unwrap().as_str(), "/some/prefix", "{path}");
        }
        for none in ["", "/", "//"] {
            assert_eq!(RoutePrefix::new(none), Ok(RoutePrefix::default()), "{none}");
        }
        for bad in ["/a b", "/a?b", "/a#b", "/<script>", "/ä", "/a\"b"] {
            let error = RoutePrefix::new(bad).expect_err(bad);
            assert!(error.contains(&format!("\"{bad}\"")), "{error}");
        }
    }

    #[test]
    fn a_path_is_served_with_and_without_the_prefix_also_if_the_prefix_is_the_path_of_a_route() {
        let routes = ["/", "/metrics", "/masternodes/a", "/runbooks", "/runbooks/A"];
        let check = |prefix: &str, asked: &str, expected: &str| {
            let prefix = RoutePrefix::new(prefix).unwrap();
            assert_eq!(prefix.strip(asked, |path| routes.contains(&path)), expected, "{asked} below {prefix}");
        };
        for prefix in ["/some/prefix", "/masternodes", "/metrics/x"] {
            check(prefix, prefix, "/");
            for route in routes {
                check(prefix, &format!("{prefix}{route}"), route);
                check(prefix, route, route);
            }
            check(prefix, &format!("{prefix}x"), &format!("{prefix}x"));
            check(prefix, &format!("{prefix}/nothing"), &format!("{prefix}/nothing"));
        }
        check("/runbooks", "/runbooks", "/runbooks");
        check("/runbooks", "/runbooks/A", "/runbooks/A");
        check("/runbooks", "/runbooks/runbooks/A", "/runbooks/A");
        check("", "/", "/");
        check("", "/metrics", "/metrics");
    }
}
