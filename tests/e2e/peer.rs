//! A masternode that is really there, on a port of this host.
//!
//! Never here: what an exporter makes of it.

use std::io::{Read, Write};
use std::net::TcpListener;

use masternode_exporter::probe::codec::{VERACK, VERSION, Version, message};

/// Dash's regtest.
const MAGIC: [u8; 4] = [0xfc, 0xc1, 0xb7, 0xdc];

/// A masternode of Dash Core 23.1 that begins to listen, as far as a handshake shows it; it does so until the test ends.
pub(crate) fn begin_to_listen(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let version =
                Version { protocol_version: 70_240, timestamp: 1, nonce: 2, agent: "/Dash Core:23.1.2/".into() };
            let payload = [version.payload(), vec![9; 32], vec![1]].concat();
            let answer = [message(MAGIC, VERSION, &payload), message(MAGIC, VERACK, &[])].concat();
            // A caller that is gone again asks once more later.
            let mut start = [0; 16];
            let _ = stream.read_exact(&mut start).and_then(|()| stream.write_all(&answer));
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
}
