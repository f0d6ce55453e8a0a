//! The text commands of skynet's core (`skynet.core.command`). Spec: runtime section 7.
//!
//! Names are the reference's, they are part of the API: `NAME` binds a name, `KILL` retires a
//! service, `LAUNCH` starts one. `LOCKS` is the one that the reference does not have.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::send::parse_address;
use super::{Context, Node, locks};
use crate::message::Address;

type Text = Vec<u8>;

impl Context {
    /// Carries out a command; unknown commands and bad parameters give no result.
    pub fn command(&self, name: &[u8], param: Option<&[u8]>) -> Option<Text> {
        match name {
            b"TIMEOUT" => Some(decimal(self.timeout(leading_integer(param?)).number())),
            b"REG" => self.register_name(param.unwrap_or_default()),
            b"QUERY" => self.query_name(param?).map(short_hex),
            b"NAME" => self.bind_name(param?),
            b"EXIT" => self.nothing(|this| this.exit()),
            b"KILL" => self.kill(param?),
            b"LAUNCH" => self.launch_line(param?),
            b"GETENV" => self.getenv(param?),
            b"SETENV" => self.setenv(param?),
            b"STARTTIME" => Some(decimal(self.node().clock().start_seconds())),
            b"ABORT" => self.nothing(|this| this.node().abort(exit_status(param))),
            b"MONITOR" => self.set_or_get_monitor(param.unwrap_or_default()),
            b"STAT" => Some(self.stat(param?).into_bytes()),
            b"LOGON" => self.with_service(param?, |this, address| this.log_on(address)),
            b"LOGOFF" => self.with_service(param?, |this, address| this.log_off(address)),
            b"SIGNAL" => self.signal(param?),
            b"LOCKS" => Some(locks::command(param.unwrap_or_default())),
            _ => None,
        }
    }

    /// Retires the service at an address, as `KILL` does. It need not exist.
    pub fn kill_address(&self, address: Address) {
        self.log(&format!("KILL :{:x}", address.bits()));
        self.node().notify_monitor(address);
        self.node().scheduler.retire(address);
    }

    /// Returns the service behind `.name` on this node.
    pub fn query_name(&self, name: &[u8]) -> Option<Address> {
        self.node().scheduler.registry.resolve(name.strip_prefix(b".")?)
    }

    fn nothing(&self, act: impl FnOnce(&Self)) -> Option<Text> {
        act(self);
        None
    }

    fn register_name(&self, name: &[u8]) -> Option<Text> {
        if name.is_empty() {
            return Some(short_hex(self.address()));
        }
        let Some(local) = name.strip_prefix(b".") else {
            self.log_bytes(b"error: Can't register global name ", name, b" in C");
            return None;
        };
        self.bind(local, self.address())
    }

    fn bind_name(&self, param: &[u8]) -> Option<Text> {
        let (name, handle) = split_at_space(param)?;
        let address = handle.starts_with(b":").then(|| parse_address(handle))?;
        if address == Address::NOBODY {
            return None;
        }
        let Some(local) = name.strip_prefix(b".") else {
            self.log_bytes(b"error: Can't set global name ", name, b" in C");
            return None;
        };
        self.bind(local, address)
    }

    fn bind(&self, local: &[u8], address: Address) -> Option<Text> {
        self.node().scheduler.registry.name(local, address).ok()?;
        Some(local.to_vec())
    }

    fn kill(&self, param: &[u8]) -> Option<Text> {
        self.with_service(param, |this, address| this.kill_address(address))
    }

    fn launch_line(&self, line: &[u8]) -> Option<Text> {
        let line = line.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let blank = line.iter().position(|byte| matches!(byte, b' ' | b'\t'));
        let (module, args) = match blank {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        let address = self.node().launch(&String::from_utf8_lossy(module), args)?;
        Some(format!(":{:08X}", address.bits()).into_bytes())
    }

    fn getenv(&self, key: &[u8]) -> Option<Text> {
        self.node().environment().get(key).map(|value| value.to_bytes().to_vec())
    }

    fn setenv(&self, param: &[u8]) -> Option<Text> {
        let (key, value) = split_at_space(param)?;
        if self.node().environment().set(key, value).is_err() {
            self.log_bytes(b"error: Can't setenv exist key : ", key, b"");
        }
        None
    }

    fn set_or_get_monitor(&self, param: &[u8]) -> Option<Text> {
        if param.is_empty() {
            return self.node().monitor().map(short_hex);
        }
        self.node().set_monitor(self.convert(param));
        None
    }

    fn stat(&self, what: &[u8]) -> String {
        let stats = &self.cell().stats;
        match what {
            b"mqlen" => self.mailbox_len().to_string(),
            b"endless" => u8::from(stats.take_endless()).to_string(),
            b"cpu" => format!("{:.6}", stats.cpu_ns() as f64 / 1e9),
            b"time" => match self.current_message_ns() {
                Some(ns) => format!("{:.6}", ns as f64 / 1e9),
                None => "0".to_owned(),
            },
            b"message" => stats.messages().to_string(),
            _ => String::new(),
        }
    }

    fn signal(&self, param: &[u8]) -> Option<Text> {
        let (address, number) = match param.first() {
            Some(b':') => split_at_space(param).unwrap_or((param, b"0")),
            _ => (param, &b"0"[..]),
        };
        let number = integer_of_any_base(number);
        self.with_service(address, |this, address| {
            if let Some(cell) = this.node().scheduler.registry.find(address) {
                cell.signal(number);
            }
        })
    }

    fn with_service(&self, param: &[u8], act: impl FnOnce(&Self, Address)) -> Option<Text> {
        let address = self.convert(param);
        if address != Address::NOBODY {
            act(self, address);
        }
        None
    }

    /// Reads an address parameter: `:hex` or `.name`; nobody when it is neither.
    fn convert(&self, param: &[u8]) -> Address {
        match param.first() {
            Some(b':') => parse_address(param),
            Some(b'.') => self.query_name(param).unwrap_or(Address::NOBODY),
            _ => {
                self.log_bytes(b"error: Can't convert ", param, b" to handle");
                Address::NOBODY
            }
        }
    }

    fn log_bytes(&self, before: &[u8], what: &[u8], after: &[u8]) {
        self.node().log(self.address(), &[before, what, after].concat());
    }

    fn log_on(&self, address: Address) {
        Node::log_on(self.node(), self.address(), address);
    }

    fn log_off(&self, address: Address) {
        Node::log_off(self.node(), self.address(), address);
    }
}

impl Node {
    /// Starts the message log of a service, in the directory `logpath`.
    fn log_on(self: &Arc<Self>, commander: Address, address: Address) {
        let (Some(directory), Some(open)) =
            (self.environment.get("logpath"), self.settings.message_log)
        else {
            return;
        };
        let directory = PathBuf::from(OsStr::from_bytes(directory.to_bytes()));
        self.scheduler.record(address, || open(self, commander, address, &directory));
    }

    fn log_off(self: &Arc<Self>, commander: Address, address: Address) {
        let cell = self.scheduler.registry.find(address);
        if let Some(mut recorder) = cell.and_then(|cell| cell.stop_recording()) {
            recorder.close();
            self.log(commander, format!("Close log file {address}").as_bytes());
        }
    }
}

fn short_hex(address: Address) -> Text {
    format!(":{:x}", address.bits()).into_bytes()
}

fn decimal(number: impl ToString) -> Text {
    number.to_string().into_bytes()
}

fn split_at_space(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b' ')?;
    Some((&text[..at], &text[at + 1..]))
}

/// Reads the decimal digits in front, as C's `strtol` does; 0 when there are none.
fn leading_integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, text),
    };
    digits
        .iter()
        .map_while(|byte| (*byte as char).to_digit(10))
        .fold(0i64, |number, digit| number.saturating_mul(10).saturating_add(digit.into()))
        * sign
}

/// Reads `0x..`, `0..` (octal) or decimal digits, as C's `strtol` with base 0 does.
fn integer_of_any_base(text: &[u8]) -> i32 {
    let text = String::from_utf8_lossy(text).trim().to_ascii_lowercase();
    let (digits, base) = match text.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text.as_str(), 10),
    };
    i32::from_str_radix(digits, base).unwrap_or(0)
}

/// `ABORT` takes an exit status as its parameter; the reference always ends with 0.
fn exit_status(param: Option<&[u8]>) -> u8 {
    u8::try_from(leading_integer(param.unwrap_or_default())).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_c_does() {
        assert_eq!(leading_integer(b"12abc"), 12);
        assert_eq!(leading_integer(b"  -5"), -5);
        assert_eq!(leading_integer(b"x"), 0);
        assert_eq!(leading_integer(b"99999999999999999999"), i64::MAX);
    }

    #[test]
    fn signal_numbers_take_any_base() {
        assert_eq!(integer_of_any_base(b"0x10"), 16);
        assert_eq!(integer_of_any_base(b"010"), 8);
        assert_eq!(integer_of_any_base(b"7"), 7);
        assert_eq!(integer_of_any_base(b"junk"), 0);
    }
}
