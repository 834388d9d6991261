//! A small SMTP server on loopback: takes messages, in clear text, by STARTTLS or from the first byte encrypted.
//!
//! Never here: what a message must say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How the server speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    StartTls,
    Tls,
}

/// What the server got: the commands of all sessions, and the messages that it took.
#[derive(Clone, Debug, Default)]
pub(super) struct Mailbox {
    pub(super) commands: Vec<String>,
    pub(super) messages: Vec<String>,
}

pub(super) struct SmtpServer {
    pub(super) port: u16,
    /// Its certificate, which is its own authority.
    pub(super) certificate: String,
    refusals: Arc<Mutex<Vec<(String, String)>>>,
    got: watch::Receiver<Mailbox>,
    _task: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Session {
    encryption: Encryption,
    acceptor: TlsAcceptor,
    /// Commands that are refused: how they begin, or for a message what it contains, and the answer.
    refusals: Arc<Mutex<Vec<(String, String)>>>,
    sender: watch::Sender<Mailbox>,
}

impl SmtpServer {
    pub(super) async fn start(encryption: Encryption) -> SmtpServer {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
        let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, got) = watch::channel(Mailbox::default());
        let refusals: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let session = Session { encryption, acceptor, refusals: refusals.clone(), sender };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let session = session.clone();
                // A client that goes away in the middle ends its session.
                tokio::spawn(async move { session.run(stream).await.unwrap_or_default() });
            }
        });
        SmtpServer { port, certificate: signed.cert.pem(), refusals, got, _task: task }
    }

    /// Commands that begin like this, or messages that contain it, get this answer; no answer takes all refusals back.
    pub(super) fn refuse(&self, what: &str, answer: &str) {
        self.refusals.lock().unwrap().push((what.into(), answer.into()));
    }

    pub(super) fn accept_all(&self) {
        self.refusals.lock().unwrap().clear();
    }

    pub(super) async fn wait(&self, what: &str, fits: impl Fn(&Mailbox) -> bool) -> Mailbox {
        let mut got = self.got.clone();
        match timeout(Duration::from_secs(30), got.wait_for(|got| fits(got))).await {
            Ok(got) => got.unwrap().clone(),
            Err(_) => panic!("{what} did not come; got {:#?}", self.got.borrow()),
        }
    }
}

impl Session {
    async fn run(&self, mut stream: TcpStream) -> std::io::Result<()> {
        if self.encryption == Encryption::Tls {
            let mut stream = self.acceptor.accept(stream).await?;
            self.greet(&mut stream).await?;
            return self.converse(stream, false).await.map(drop);
        }
        self.greet(&mut stream).await?;
        if let Some(stream) = self.converse(stream, self.encryption == Encryption::StartTls).await? {
            let stream = self.acceptor.accept(stream).await?;
            self.converse(stream, false).await?;
        }
        Ok(())
    }

    async fn greet<S: AsyncWrite + Unpin>(&self, stream: &mut S) -> std::io::Result<()> {
        let greeting = self.refusal("greeting", false).unwrap_or_else(|| "220 fake".into());
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await
    }

    /// Answers commands until the session ends, or until STARTTLS, with which it returns the stream.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, offers: bool) -> std::io::Result<Option<S>> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let command = line.trim_end().to_string();
            self.sender.send_modify(|got| got.commands.push(command.clone()));
            let word = command.split(' ').next().unwrap_or_default().to_uppercase();
            let refused = self.refusal(&command, false);
            let answer = match (refused.as_deref(), word.as_str()) {
                (Some(answer), _) => answer,
                (None, "EHLO") if offers => "250-fake\r\n250 STARTTLS",
                (None, "EHLO") => "250-fake\r\n250 AUTH PLAIN",
                (None, "AUTH") => "235 welcome",
                (None, "STARTTLS") => "220 go ahead",
                (None, "DATA") => "354 go ahead",
                (None, "QUIT") => "221 bye",
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            if refused.is_none() && word == "STARTTLS" {
                return Ok(Some(stream.into_inner()));
            }
            if refused.is_none() && word == "DATA" {
                self.take(&mut stream).await?;
            }
        }
    }

    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>) -> std::io::Result<()> {
        let mut message = String::new();
        while !message.ends_with("\r\n.\r\n") && stream.read_line(&mut message).await? > 0 {}
        let refused = self.refusal(&message, true);
        let answer = refused.clone().unwrap_or_else(|| "250 taken".into());
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if refused.is_none() {
            self.sender.send_modify(|got| got.messages.push(message));
        }
        Ok(())
    }

    fn refusal(&self, text: &str, anywhere: bool) -> Option<String> {
        let refusals = self.refusals.lock().unwrap();
        let fits = |what: &String| text.starts_with(what.as_str()) || (anywhere && text.contains(what.as_str()));
        refusals.iter().find(|(what, _)| fits(what)).map(|(_, answer)| answer.clone())
    }
}
