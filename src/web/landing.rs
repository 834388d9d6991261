//! The landing page: what runs here and where to go on.
//!
//! Never here: scripts, assets from elsewhere, text that is not escaped.

use std::fmt::Write;

use crate::web::site::Landing;

/// Allows the page's own style and nothing else: no script, no image, no frame, no form, no request to anywhere.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;\
                     margin:3rem auto;padding:0 1rem}h1{margin-bottom:0}p{margin-top:.25rem}";

/// The page as HTML.
pub(super) fn page(landing: &Landing) -> String {
    let name = escaped(&landing.name);
    let version = escaped(&landing.version);
    let summary = escaped(&landing.summary);
    let mut links = String::new();
    let mut link = |target: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(links, "<li><a href=\"{}\">{}</a></li>", escaped(target), escaped(text));
    };
    link(landing.telemetry_path.as_str(), "Metrics");
    link("/-/healthy", "Healthy");
    link("/-/ready", "Ready");
    for further in &landing.links {
        link(&further.target, &further.text);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{name}</h1>\n<p>Version {version}</p>\n<p>{summary}</p>\n<ul>\n{links}</ul>\n</main>\n\
         </body>\n</html>\n"
    )
}

/// Safe as the text of an element and inside a quoted attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::site::{Link, TelemetryPath};

    #[test]
    fn nothing_that_is_handed_in_becomes_markup() {
        let nasty = "\"'><script>alert(1)</script>&amp;";
        let landing = Landing {
            name: nasty.to_owned(),
            version: nasty.to_owned(),
            summary: nasty.to_owned(),
            telemetry_path: TelemetryPath::new("/m").unwrap(),
            links: vec![Link { target: nasty.to_owned(), text: nasty.to_owned() }],
        };
        let page = page(&landing);
        assert!(!page.contains("<script") && !page.contains("\"'>"), "{page}");
        let safe = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;";
        assert_eq!(page.matches(safe).count(), 6, "title, heading, version, summary, target and text: {page}");
    }
}
