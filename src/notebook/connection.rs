//! The connection file: where the sockets are, and the key of the signatures.

use super::sockets::Listener;
use crate::formats::Data;
use crate::formats::json::{self, Options};
use anyhow::{Context, anyhow, bail};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// What a connection file says.
pub struct Connection {
    /// Whether the sockets are files of this machine; else they are ports.
    ipc: bool,
    /// The address, or what the files' names begin with.
    ip: String,
    /// The key of the signatures; empty for messages without.
    pub key: Vec<u8>,
    ports: [u16; 5],
}

/// The sockets, in the order of their listeners.
pub const SOCKETS: [&str; 5] = ["shell", "control", "stdin", "iopub", "hb"];

impl Connection {
    /// Reads a connection file.
    ///
    /// # Errors
    /// A file that cannot be read, is no JSON, or lacks something.
    pub fn read(path: &Path) -> anyhow::Result<Connection> {
        let text =
            std::fs::read(path).with_context(|| format!("cannot read the connection file {}", path.display()))?;
        let options = Options { max_depth: 100, invalid_numbers: false };
        let data = json::parse(&text, options).map_err(|e| anyhow!("{}: no JSON: {e}", path.display()))?;
        Connection::from(&data).with_context(|| path.display().to_string())
    }

    fn from(data: &Data) -> anyhow::Result<Connection> {
        if !matches!(data, Data::Map(_)) {
            bail!("a connection file is an object of JSON, with shell_port, control_port and others");
        }
        let text = |name: &str| data.get(name).and_then(Data::text);
        let transport = text("transport").unwrap_or_else(|| "tcp".into());
        if !["tcp", "ipc"].contains(&transport.as_str()) {
            bail!("transport: expected \"tcp\" or \"ipc\", got {transport:?}");
        }
        let key = text("key").context("there is no \"key\", a text")?.into_bytes();
        let scheme = text("signature_scheme").unwrap_or_else(|| "hmac-sha256".into());
        if !key.is_empty() && scheme != "hmac-sha256" {
            bail!("signature_scheme: only \"hmac-sha256\" is known, got {scheme:?}");
        }
        let mut ports = [0; 5];
        for (port, name) in ports.iter_mut().zip(SOCKETS) {
            let name = format!("{name}_port");
            let Some(found) = data.get(&name) else { bail!("there is no \"{name}\"") };
            let number = if let Data::Num(n) = found { *n } else { f64::NAN };
            if number.fract() != 0.0 || !(0.0..65536.0).contains(&number) {
                bail!("{name}: expected the number of a port");
            }
            *port = number as u16;
        }
        Ok(Connection { ipc: transport == "ipc", ip: text("ip").context("there is no \"ip\", a text")?, key, ports })
    }

    /// Binds a socket's address, by its place in `SOCKETS`.
    ///
    /// # Errors
    /// An address that is in use or not this machine's.
    pub fn listen(&self, socket: usize) -> anyhow::Result<Listener> {
        let port = self.ports[socket];
        let what = || format!("{}_port: cannot listen at {} {port}", SOCKETS[socket], self.ip);
        if self.ipc {
            let path = format!("{}-{port}", self.ip);
            // a kernel that was started again with the same file
            let _ = std::fs::remove_file(&path);
            return UnixListener::bind(path).map(Listener::Unix).with_context(what);
        }
        let ip = if self.ip == "*" { "0.0.0.0" } else { &self.ip };
        TcpListener::bind((ip, port)).map(Listener::Tcp).with_context(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"transport":"tcp","ip":"127.0.0.1","key":"k","signature_scheme":"hmac-sha256",
        "shell_port":0,"control_port":0,"stdin_port":0,"iopub_port":0,"hb_port":0}"#;

    fn of(text: &str) -> anyhow::Result<Connection> {
        let data = json::parse(text.as_bytes(), Options { max_depth: 100, invalid_numbers: false });
        Connection::from(&data.map_err(|e| anyhow!(e))?)
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(of(WHOLE).is_ok_and(|c| c.listen(0).is_ok()));
        for name in ["ip", "key", "shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"] {
            let text = WHOLE.replace(&format!("\"{name}\""), "\"other\"");
            assert!(of(&text).err().is_some_and(|e| e.to_string().contains(name)), "{name}");
        }
        for (from, to, told) in [
            ("\"shell_port\":0", "\"shell_port\":70000", "shell_port"),
            ("\"hb_port\":0", "\"hb_port\":\"x\"", "hb_port"),
            ("sha256", "md5", "signature_scheme"),
            ("\"tcp\"", "\"udp\"", "transport"),
        ] {
            assert!(of(&WHOLE.replace(from, to)).err().is_some_and(|e| e.to_string().contains(told)), "{to}");
        }
        assert!(of("[1]").is_err());
    }
}
