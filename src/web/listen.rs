//! Listen addresses, as written in arguments and files, and their sockets.
//!
//! Never here: accepting (`serve`).

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Backlog of connections that the kernel completes; the kernel may limit it.
const BACKLOG: i32 = 1024;

/// A host and a port: `127.0.0.1:10066`, `localhost:10066`, `[::1]:10066`, or `:10066` for all interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// All interfaces, IPv4 and IPv6.
    Any,
    Ip(IpAddr),
    Name(String),
}

impl ListenAddress {
    /// Whether only this host can reach it. A name other than `localhost` counts as reachable from other hosts.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Any => false,
            Host::Ip(ip) => ip.to_canonical().is_loopback(),
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The host name, if it is not an address.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Any | Host::Ip(_) => None,
        }
    }

    /// The address for a client on this host: the loopback address if it listens on all interfaces.
    pub(crate) fn dial(&self) -> ListenAddress {
        let host = match &self.host {
            Host::Any => Host::Ip(Ipv4Addr::LOCALHOST.into()),
            Host::Ip(IpAddr::V4(ip)) if ip.is_unspecified() => Host::Ip(Ipv4Addr::LOCALHOST.into()),
            Host::Ip(IpAddr::V6(ip)) if ip.is_unspecified() => Host::Ip(Ipv6Addr::LOCALHOST.into()),
            host => host.clone(),
        };
        ListenAddress { host, port: self.port }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        ListenAddress { host: Host::Ip(address.ip()), port: address.port() }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Any => write!(formatter, ":{}", self.port),
            Host::Ip(ip) => write!(formatter, "{}", SocketAddr::new(*ip, self.port)),
            Host::Name(name) => write!(formatter, "{name}:{}", self.port),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let forms = "expected host:port, :port for all interfaces, or [IPv6 address]:port";
        let invalid = |reason: &str| format!("\"{text}\" is not an address to listen on: {reason}; {forms}");
        let (host, port) = text.rsplit_once(':').ok_or_else(|| invalid("it has no port"))?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = Some(port).filter(|_| digits).and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| invalid("the port is not a number from 0 to 65535"))?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let host = match (bracketed, host.parse()) {
            (Some(inner), _) => {
                let ip = inner.parse::<Ipv6Addr>();
                Host::Ip(ip.map_err(|_| invalid("the part in brackets is not an IPv6 address"))?.into())
            }
            (None, Ok(IpAddr::V4(ip))) => Host::Ip(ip.into()),
            (None, _) if host.contains(':') => return Err(invalid("an IPv6 address needs brackets")),
            (None, _) if host.is_empty() => Host::Any,
            (None, _) if host.bytes().all(name_byte) => Host::Name(host.to_owned()),
            (None, _) => return Err(invalid("the host has characters that no host name has")),
        };
        Ok(ListenAddress { host, port })
    }
}

/// An error of a listen address.
#[derive(Debug)]
pub struct BindError {
    /// The address as configured.
    pub address: ListenAddress,
    /// The error of the system.
    pub cause: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError { address, cause } = self;
        let cure = match cause.kind() {
            io::ErrorKind::AddrInUse => "stop the process that has this port, or choose another one",
            io::ErrorKind::AddrNotAvailable => "no interface of this host has this address: choose an existing one",
            io::ErrorKind::PermissionDenied => "choose a port above 1023, or grant the right to bind lower ones",
            _ if matches!(address.host, Host::Name(_)) => "check that the name resolves to an address of this host",
            _ => "choose another address",
        };
        write!(formatter, "cannot listen on {address}: {cause}; {cure} (--web.listen-address)")
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Listens on all `addresses`, or on none. For a name, listens on the first of its addresses that works, IPv4 before
/// IPv6; `:port` and `[::]:port` include IPv4, and `:port` works without IPv6 on a host that has none.
///
/// # Errors
/// The first address that fails.
pub async fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, BindError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let listener = bind_one(address).await;
        listeners.push(listener.map_err(|cause| BindError { address: address.clone(), cause })?);
    }
    Ok(listeners)
}

async fn bind_one(address: &ListenAddress) -> io::Result<TcpListener> {
    let port = address.port;
    match &address.host {
        Host::Ip(ip) => listen(SocketAddr::new(*ip, port)),
        Host::Any => match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
            // An address that is in use or forbidden fails with IPv4, too; other errors mean that there is no IPv6.
            Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                listen((Ipv4Addr::UNSPECIFIED, port).into())
            }
            result => result,
        },
        Host::Name(name) => {
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            let mut candidates: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), port)).await?.collect();
            // `localhost` has both families on most hosts; a configuration with 127.0.0.1 elsewhere means the same.
            candidates.sort_by_key(SocketAddr::is_ipv6);
            for resolved in candidates {
                match listen(resolved) {
                    Ok(listener) => return Ok(listener),
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // The default differs between systems.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for connections of the previous process. On other systems the option lets another process
    // take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    fn address(text: &str) -> ListenAddress {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_written_as_it_was_read_and_knows_whether_it_is_private() {
        let table = [
            ("127.0.0.1:10066", true),
            ("127.9.9.9:1", true),
            ("[::1]:10066", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("localhost:10066", true),
            (":10066", false),
            ("0.0.0.0:0", false),
            ("[::]:65535", false),
            ("10.0.0.1:80", false),
            ("node.example:80", false),
        ];
        for (text, loopback) in table {
            assert_eq!(address(text).to_string(), text);
            assert_eq!(address(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let table = [
            ("", "no port"),
            ("10066", "no port"),
            ("localhost", "no port"),
            ("localhost:", "not a number"),
            ("localhost:http", "not a number"),
            (":+80", "not a number"),
            (":65536", "not a number"),
            ("::1:80", "needs brackets"),
            ("[localhost]:80", "not an IPv6 address"),
            ("[127.0.0.1]:80", "not an IPv6 address"),
            ("http://localhost:80", "needs brackets"),
            ("local host:80", "no host name"),
            ("a/b:80", "no host name"),
        ];
        for (text, reason) in table {
            let error = ListenAddress::from_str(text).expect_err(text);
            assert!(error.contains(reason) && error.contains(&format!("\"{text}\"")), "{error}");
        }
    }

    #[tokio::test]
    async fn each_address_gets_its_listener() {
        let listeners = bind(&[address("127.0.0.1:0"), address("localhost:0")]).await.unwrap();
        assert_eq!(listeners.len(), 2);
        for listener in listeners {
            TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn all_interfaces_include_ipv4() {
        let listener = bind(&[address(":0")]).await.unwrap().remove(0);
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }

    #[tokio::test]
    async fn a_port_in_use_names_the_address_and_the_cure() {
        let taken = bind(&[address("127.0.0.1:0")]).await.unwrap().remove(0);
        let text = taken.local_addr().unwrap().to_string();
        let error = bind(&[address("127.0.0.1:0"), address(&text)]).await.expect_err("in use").to_string();
        assert!(error.starts_with(&format!("cannot listen on {text}: ")), "{error}");
        assert!(error.contains("choose another") && error.contains("--web.listen-address"), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_host_says_so() {
        // TEST-NET-1, which no host has (RFC 5737).
        let error = bind(&[address("192.0.2.1:0")]).await.expect_err("not ours").to_string();
        assert!(error.contains("no interface of this host"), "{error}");
    }
}
