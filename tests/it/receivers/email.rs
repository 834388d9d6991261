//! E-mail over SMTP.

use std::time::Duration;

use masternode_exporter::alerting::settings::{Email, Kind, Receiver, SmtpEncryption};
use masternode_exporter::outbound::{Authorities, Outbound};

use super::smtp_server::{Encryption, Mailbox, SmtpServer};
use crate::push::{FakeReceiver, TestEngine, at_once, has, text};
use crate::support::harness::{Stage, fail};

async fn receiver(server: &SmtpServer, encryption: SmtpEncryption, password: Option<&str>) -> Receiver {
    // Only its name and bounds are used.
    let other = FakeReceiver::start().await;
    let email = Email {
        host: "localhost".into(),
        port: server.port,
        encryption,
        user: password.map(|_| "alerts".into()),
        from: "Masternodes <alerts@example.org>".into(),
        to: vec!["one@example.org".into(), "two@example.org".into()],
    };
    let authorities = Some(Authorities::new(&server.certificate).unwrap());
    Receiver {
        token: password.map(text),
        outbound: Outbound { authorities, ..Outbound::default() },
        ..other.settings("mail", Kind::Email(email))
    }
}

/// What a message says, without the folding of long lines and the encoding of long ones.
fn plain(message: &str) -> String {
    message.replace("=\r\n", "").replace("\r\n ", " ").replace("=3D", "=")
}

fn mentions(mailbox: &Mailbox, status: &str) -> bool {
    mailbox.messages.iter().any(|message| plain(message).contains(&format!("[{status}] MasternodePoSeBanned")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_and_its_end_are_mailed_to_all_recipients_over_each_encryption() {
    for (encryption, how, password) in [
        (SmtpEncryption::StartTls, Encryption::StartTls, Some("hunter2")),
        (SmtpEncryption::Tls, Encryption::Tls, Some("hunter2")),
        (SmtpEncryption::None, Encryption::None, None),
    ] {
        let mut stage = Stage::following().await;
        let server = SmtpServer::start(how).await;
        let mut exporter = TestEngine::new(None);
        let settings = at_once(vec![receiver(&server, encryption, password).await]);
        assert!(!format!("{settings:?}").contains("hunter2"));
        exporter.engine.reconfigure(&settings).await;
        let masternode = stage.masternode(0);
        stage.mine(&[fail(&masternode, 2)]).await;
        exporter.see(stage.snapshot());
        let got = server.wait("the ban", |got| mentions(got, "CRITICAL") && got.messages.len() > 1).await;
        for recipient in ["RCPT TO:<one@example.org>", "RCPT TO:<two@example.org>"] {
            assert!(got.commands.iter().any(|command| command == recipient), "{got:#?}");
        }
        // base64 of "\0alerts\0hunter2"
        let asked = got.commands.iter().any(|command| command == "AUTH PLAIN AGFsZXJ0cwBodW50ZXIy");
        assert_eq!(asked, password.is_some(), "{got:#?}");
        assert_eq!(got.commands.iter().any(|command| command == "STARTTLS"), encryption == SmtpEncryption::StartTls);
        let message = plain(&got.messages[0]);
        for header in ["From: Masternodes <alerts@example.org>", "Auto-Submitted: auto-generated", "Message-ID: <"] {
            assert!(message.contains(header), "{message}");
        }
        stage.mine(&[simulator::Action::Revive { masternode }]).await;
        exporter.see(stage.snapshot());
        server.wait("its end", |got| mentions(got, "RESOLVED")).await;
        exporter.engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_begin_together_are_one_message_with_its_count_in_the_subject() {
    let mut stage = Stage::following().await;
    let banned = [0, 1, 2].map(|number| stage.masternode(number));
    let server = SmtpServer::start(Encryption::None).await;
    let mut exporter = TestEngine::new(None);
    stage.mine(&banned.each_ref().map(|masternode| fail(masternode, 2))).await;
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(vec![receiver(&server, SmtpEncryption::None, None).await])).await;
    let got = server.wait("the bans", |got| mentions(got, "CRITICAL")).await;
    let message = plain(&got.messages[0]);
    assert!(banned.iter().enumerate().all(|(index, _)| message.contains(&format!("mn-{index}"))), "{message}");
    assert!(message.contains(" firing, 0 resolved] "), "{message}");
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_5xx_is_final_for_that_message_and_one_of_4xx_or_about_the_password_is_not() {
    for (what, answer, is_final) in [
        ("RCPT TO:<two", "550 no such mailbox", true),
        ("[CRITICAL] MasternodePoSeBanned", "554 looks like spam", true),
        ("greeting", "554 no service today", false),
        ("MAIL", "451 try later", false),
        ("AUTH", "535 not the password hunter2", false),
        ("STARTTLS", "454 not now", false),
    ] {
        let mut stage = Stage::following().await;
        let server = SmtpServer::start(Encryption::StartTls).await;
        server.refuse(what, answer);
        let mut exporter = TestEngine::new(None);
        let watcher = FakeReceiver::start().await;
        let mail = receiver(&server, SmtpEncryption::StartTls, Some("hunter2")).await;
        exporter.engine.reconfigure(&at_once(vec![mail, watcher.settings("watcher", Kind::Generic)])).await;
        let masternode = stage.masternode(0);
        stage.mine(&[fail(&masternode, 2)]).await;
        exporter.see(stage.snapshot());
        exporter.noted(if is_final { "dropped" } else { "failed" }, "mail", 1).await;
        watcher.wait("that it fails", |got| has(got, "MasternodeExporterNotificationsFailing", "firing")).await;
        server.accept_all();
        if !is_final {
            server.wait(answer, |got| mentions(got, "CRITICAL")).await;
        }
        exporter.engine.stop().await;
    }
}

/// The recipients of accepted mails, in their order.
fn recipients(mailbox: &Mailbox, from: usize) -> Vec<&str> {
    let recipients = mailbox.commands[from..].iter().filter_map(|command| command.strip_prefix("RCPT TO:<"));
    recipients.filter_map(|recipient| recipient.split('@').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_refused_or_must_wait_keeps_no_mail_from_the_others() {
    for (answer, is_final) in [("550 no such mailbox", true), ("450 busy", false)] {
        let mut stage = Stage::following().await;
        let server = SmtpServer::start(Encryption::None).await;
        server.refuse("RCPT TO:<one", answer);
        let mut exporter = TestEngine::new(None);
        let mut settings = at_once(vec![receiver(&server, SmtpEncryption::None, None).await]);
        settings.receivers[0].matches.networks = vec![stage.snapshot().unwrap().network().to_string()];
        exporter.engine.reconfigure(&settings).await;
        let masternode = stage.masternode(0);
        stage.mine(&[fail(&masternode, 2)]).await;
        exporter.see(stage.snapshot());
        exporter.noted(if is_final { "dropped" } else { "failed" }, "mail", 1).await;
        let got = server.wait("the mail to the other", |got| mentions(got, "CRITICAL")).await;
        let before = got.commands.len();
        server.accept_all();
        if is_final {
            assert_eq!(recipients(&got, 0), ["one", "two"]);
        } else {
            let got = server.wait("the mail to the first", |got| got.messages.len() > 1).await;
            let later = recipients(&got, before);
            assert!(!later.is_empty() && later.iter().all(|recipient| *recipient == "one"), "{got:#?}");
        }
        exporter.engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_starttls_or_by_an_unknown_authority_no_password_is_sent() {
    for (how, outbound) in [(Encryption::None, true), (Encryption::StartTls, false)] {
        let mut stage = Stage::following().await;
        let server = SmtpServer::start(how).await;
        let mut exporter = TestEngine::new(None);
        let mut mail = receiver(&server, SmtpEncryption::StartTls, Some("hunter2")).await;
        if !outbound {
            let other = SmtpServer::start(how).await;
            mail.outbound.authorities = Some(Authorities::new(&other.certificate).unwrap());
        }
        mail.timeout = Duration::from_secs(5);
        exporter.engine.reconfigure(&at_once(vec![mail])).await;
        let masternode = stage.masternode(0);
        stage.mine(&[fail(&masternode, 2)]).await;
        exporter.see(stage.snapshot());
        exporter.noted("failed", "mail", 1).await;
        let got = server.wait("a session", |got| !got.commands.is_empty()).await;
        assert!(got.messages.is_empty() && !got.commands.iter().any(|command| command.starts_with("AUTH")), "{got:#?}");
        exporter.engine.stop().await;
    }
}
