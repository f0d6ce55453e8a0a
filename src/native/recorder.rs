//! The message log of a service (`LOGON`): a file with a record for each message. Spec: runtime
//! section 11.4.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::local_time::LocalTime;
use super::message_log;
use crate::message::socket::Record;
use crate::message::{Address, Kind, Message};
use crate::node::Node;
use crate::service::Recorder;

struct FileRecorder {
    node: Arc<Node>,
    file: File,
    record: Vec<u8>,
}

/// Opens the message log of `service` in a directory, and says so in the log on behalf of
/// `commander`.
pub fn open(
    node: &Arc<Node>,
    commander: Address,
    service: Address,
    directory: &Path,
) -> Option<Box<dyn Recorder>> {
    let path = directory.join(format!("{:08x}.log", service.bits()));
    let opened = OpenOptions::new().append(true).create(true).open(&path);
    let outcome = if opened.is_ok() { "" } else { " fail" };
    node.log(commander, format!("Open log file {}{outcome}", path.display()).as_bytes());
    let mut recorder =
        FileRecorder { node: Arc::clone(node), file: opened.ok()?, record: Vec::new() };
    let clock = node.clock();
    let now = clock.now();
    let time = LocalTime::at((clock.start_seconds() + now / 100) as i64);
    message_log::push_opened(&mut recorder.record, now, time);
    recorder.write();
    Some(Box::new(recorder))
}

impl FileRecorder {
    /// Writes the record. A full disk must not stop the service.
    fn write(&mut self) {
        let _ = self.file.write_all(&self.record);
        self.record.clear();
    }
}

/// Appends the record of a socket message.
fn push_socket(record: &mut Vec<u8>, event: &Record<'_>) {
    let head = message_log::SocketEvent { kind: event.event, id: event.id, ud: event.ud };
    if event.buffer.is_null() {
        return message_log::push_socket_text(record, head, event.text);
    }
    let len = usize::try_from(event.ud).unwrap_or(0);
    // SAFETY: the message comes from the runtime, so its block has `ud` bytes; the service has not
    // handled it yet.
    let data = unsafe { std::slice::from_raw_parts(event.buffer, len) };
    message_log::push_socket_data(record, head, data);
}

impl Recorder for FileRecorder {
    fn record(&mut self, message: &Message) {
        if message.kind == Kind::SOCKET
            && message.source == Address::NOBODY
            && let Some(event) = Record::read(message.payload.as_bytes())
        {
            push_socket(&mut self.record, &event);
            return self.write();
        }
        message_log::push_message(
            &mut self.record,
            message.source.bits(),
            message.kind.number().into(),
            message.session.number(),
            self.node.clock().now(),
            message.payload.as_bytes(),
        );
        self.write();
    }

    fn close(&mut self) {
        message_log::push_closed(&mut self.record, self.node.clock().now());
        self.write();
    }
}
