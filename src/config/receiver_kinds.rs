//! Value types of the addresses of receivers and proxies. An error never quotes a value that may contain a secret.
//!
//! Never here: keys and their defaults.

use crate::alerting::settings::check_address;
use crate::alerting::smtp::check_mailbox;
use crate::config::kinds::HostKind;
use crate::config::leaf::Kind;
use crate::secret::Secret;

/// An HTTP proxy, or `none` for a direct connection. The error does not quote it: it may contain a password.
pub(super) struct ProxyKind;

impl Kind for ProxyKind {
    type Value = Option<Secret>;
    const TITLE: &'static str = "URL or `none`";
    const PATTERN: &'static str = "^(none|[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+/?)$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<Option<Secret>, String> {
        if text == "none" {
            return Ok(None);
        }
        check_address(text)?;
        match reqwest::Proxy::all(text) {
            Ok(_) => Ok(Some(Secret::new(text))),
            Err(_) => Err("is not the address of a proxy such as http://proxy:3128".into()),
        }
    }
}

/// Host and port of a server.
pub(super) struct ServerKind;

impl Kind for ServerKind {
    type Value = (String, u16);
    const TITLE: &'static str = "host:port";
    const PATTERN: &'static str = "^[^:/@\\s]+:[0-9]+$";

    fn read(text: &str) -> Result<(String, u16), String> {
        let example = || format!("{text:?} is not a host and a port such as smtp.example.org:587");
        let (host, port) = text.rsplit_once(':').ok_or_else(example)?;
        let host = HostKind::read(host).map_err(|_| example())?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(example)?;
        Ok((host, port))
    }
}

/// A mail address, with or without a name.
pub(super) struct MailboxKind;

impl Kind for MailboxKind {
    type Value = String;
    const TITLE: &'static str = "mail address";
    const PATTERN: &'static str = "@";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        check_mailbox(text).map(|()| text.to_string())
    }
}

/// A topic of ntfy.
pub(super) struct TopicKind;

impl Kind for TopicKind {
    type Value = String;
    const TITLE: &'static str = "topic";
    const PATTERN: &'static str = "^[-_A-Za-z0-9]{1,64}$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        let good = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        match good && (1..=64).contains(&text.len()) {
            true => Ok(text.to_string()),
            false => Err("is not a topic: use at most 64 letters, digits, - and _".into()),
        }
    }
}

/// The identifier of a room of Matrix.
pub(super) struct RoomKind;

impl Kind for RoomKind {
    type Value = String;
    const TITLE: &'static str = "room identifier";
    const PATTERN: &'static str = "^![^\\s/]+$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        let good = |character: char| !character.is_whitespace() && !character.is_control() && character != '/';
        match text.strip_prefix('!').is_some_and(|rest| !rest.is_empty() && rest.chars().all(good)) {
            true => Ok(text.to_string()),
            false => {
                Err("is not the identifier of a room, which begins with !; an alias such as #room:example.org is not"
                    .into())
            }
        }
    }
}
