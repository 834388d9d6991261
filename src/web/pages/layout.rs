//! The frame of all pages: head, style, navigation, footer, and the Content-Security-Policy.
//!
//! Never here: scripts and external resources.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::web::handlers::LandingPage;
use crate::web::pages::query::Refresh;

const STYLE: &str = include_str!("style.css");

/// A shield icon, embedded so that a browser requests no other icon.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
                    fill='%231c75bc' d='M8 0l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V3z'/%3E%3Cpath fill='none' stroke='white' \
                    stroke-width='2' d='M4.500 8l2.500 2.500 4.500-5'/%3E%3C/svg%3E";

/// The colour of the icon of a page without a state.
const ICON_COLOUR: &str = "1c75bc";

/// The colour of the icon in a state.
fn colour(state: Option<&str>) -> &'static str {
    match state {
        Some("clear") => "1a7f4b",
        Some("decaying") => "8a6100",
        Some("danger") => "b54708",
        Some("banned") => "b42318",
        Some("unhealthy") => "6b4fa8",
        Some(_) => "586474",
        None => ICON_COLOUR,
    }
}

/// Allows the page's own style, its icon and its form; no scripts, no frames, no requests to other servers.
pub(in crate::web) fn content_security_policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// A complete page; `refresh` is its refresh mode, `None` for a page without one.
pub(super) fn page(landing: &LandingPage, title: &str, refresh: Option<(Refresh, &str)>, content: &Markup) -> String {
    page_in_state(landing, title, None, refresh, content)
}

/// The same with an icon in the colour of a state: the CSS class of a risk.
pub(super) fn page_in_state(
    landing: &LandingPage,
    title: &str,
    state: Option<&str>,
    refresh: Option<(Refresh, &str)>,
    content: &Markup,
) -> String {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(ICON.replace(ICON_COLOUR, colour(state)));
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to content" }
                (content)
                footer {
                    @if let Some((refresh, other)) = refresh {
                        p { (refresh.said()) " " a href=(other) { (refresh.other_said()) } }
                    }
                    (links(landing))
                    p.quiet { (landing.name) ". Version " (landing.version) ". Times are in UTC; future times are estimates." }
                }
            }
        }
    };
    below(&landing.path_prefix, whole.into_string())
}

/// A page whose own links begin with the prefix. Text of nodes cannot look like one, because the quotes in it are escaped.
fn below(prefix: &str, html: String) -> String {
    if prefix.is_empty() {
        return html;
    }
    let link =
        |html: &str, attribute: &str| html.replace(&format!("{attribute}=\"/"), &format!("{attribute}=\"{prefix}/"));
    link(&link(&html, "href"), "action")
}

fn links(landing: &LandingPage) -> Markup {
    html! {
        nav aria-label="More" {
            ul {
                li { a href={ (landing.telemetry_path) (landing.metrics_query) } { "Metrics" } }
                li { a href="/-/healthy" { "Healthy" } }
                li { a href="/-/ready" { "Ready" } }
                @for link in &landing.links {
                    li { a href=(link.target) { (link.text) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::handlers::{Link, TelemetryPath};

    #[test]
    fn nothing_that_is_handed_in_becomes_markup() {
        let nasty = "\"'><script>alert(1)</script>&amp;";
        let landing = LandingPage {
            name: nasty.to_owned(),
            version: nasty.to_owned(),
            summary: nasty.to_owned(),
            telemetry_path: TelemetryPath::new("/m").unwrap(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: vec![Link { target: nasty.to_owned(), text: nasty.to_owned() }],
        };
        let page = page(&landing, nasty, None, &html! { (nasty) });
        assert!(!page.contains("<script") && !page.contains("\"'>"), "{page}");
        let safe = "&quot;'&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;";
        assert_eq!(page.matches(safe).count(), 6, "title, content, name, version, target and text: {page}");
    }
}
