//! The runbook of an alert, and the list of runbooks.
//!
//! Never here: the text of a runbook, which is an argument.

use hyper::StatusCode;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd};

/// Path of the list; a runbook is below it.
pub(in crate::web) const RUNBOOKS: &str = "/runbooks";

/// Status, title and content of the runbook with this name, or of the list if the name is empty.
pub(super) fn content(runbooks: &[(&str, &str)], name: &str) -> (StatusCode, String, Markup) {
    if name.is_empty() {
        return (StatusCode::OK, "Runbooks".into(), frame(&list(runbooks)));
    }
    match runbooks.iter().find(|(known, _)| *known == name) {
        Some((name, markdown)) => (StatusCode::OK, (*name).into(), frame(&rendered(markdown))),
        None => {
            let text = html! { h1 { "Not found" } p.none { "There is no runbook with this name." } };
            (StatusCode::NOT_FOUND, "Not found".into(), frame(&text))
        }
    }
}

fn frame(text: &Markup) -> Markup {
    html! {
        header { nav aria-label="Back" { a href="/" { "All masternodes" } " · " a href=(RUNBOOKS) { "Runbooks" } } }
        main #content { article.runbook { (text) } }
    }
}

fn list(runbooks: &[(&str, &str)]) -> Markup {
    html! {
        h1 { "Runbooks" }
        ul { @for (name, _) in runbooks { li { a href={ (RUNBOOKS) "/" (name) } { (name) } } } }
    }
}

/// Markdown as HTML. HTML in it becomes text, images are omitted, and links lead only to other runbooks or the web.
fn rendered(markdown: &str) -> Markup {
    let mut links = Vec::new();
    let events = Parser::new(markdown).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let target = target(&dest_url);
            links.push(target.is_some());
            target.map(|dest_url| Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link) => links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    });
    let mut text = String::new();
    pulldown_cmark::html::push_html(&mut text, events);
    // Written by the renderer, which escapes every text.
    PreEscaped(text)
}

/// Target of a link: another runbook or a URL; `None` for a page that is not served.
fn target(written: &str) -> Option<CowStr<'static>> {
    if written.starts_with("https://") || written.starts_with("http://") {
        return Some(written.to_string().into());
    }
    let name = written.split('#').next().unwrap_or_default().strip_suffix(".md")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| format!("{RUNBOOKS}/{name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &'static str) -> String {
        content(&[("MasternodeX", markdown)], "MasternodeX").2.into_string()
    }

    #[test]
    fn nothing_of_a_runbook_becomes_a_tag_of_its_own_and_links_lead_to_what_is_served() {
        let page = shown(
            "# Title\n\nA `<code>` <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n![i](x.png)\n\n\
             [other](MasternodeY.md#a) [page](../pose.md#banned) [web](https://example.org/) [bad](javascript:alert(1))\n",
        );
        assert!(page.contains("<h1>Title</h1>") && page.contains("<code>&lt;code&gt;</code>"), "{page}");
        for forbidden in ["<script", "<img", "javascript:", "pose.md#"] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
        assert!(
            page.contains(
                "<a href=\"/runbooks/MasternodeY\">other</a> page <a href=\"https://example.org/\">web</a> bad"
            ),
            "{page}"
        );
    }

    #[test]
    fn the_list_names_all_and_an_unknown_name_is_not_found() {
        let runbooks = [("MasternodeX", "# X"), ("MasternodeY", "# Y")];
        let (status, _, list) = content(&runbooks, "");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(list.into_string().matches("<a href=\"/runbooks/Masternode").count(), 2);
        assert_eq!(content(&runbooks, "<b>").0, StatusCode::NOT_FOUND);
    }
}
