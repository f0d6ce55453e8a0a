//! Tracing of requests across services, by a tag that travels with calls. Lua API section 4.9.
//!
//! A tag is announced to the callee by a TRACE message right before the request; the callee's next
//! request from that source carries it. Nothing of this runs before the first tag is seen
//! (`Trace::enabled`).

use std::collections::HashMap;
use std::ffi::{CStr, c_int};
use std::fmt::Write;
use std::ptr;

use mlua::ffi::{
    self, lua_State, lua_getfield, lua_getinfo, lua_getstack, lua_pop, lua_pushlstring,
    lua_toboolean, lua_tolstring, lua_type, luaL_checklstring, luaL_traceback,
};

use super::send::{Destination, post};
use super::task::Task;
use super::vm::Vm;
use crate::message::{Address, Kind, Payload, Session};

/// How many stack levels a trace line shows.
const LEVELS: c_int = 3;

/// The trace tag of a task.
#[derive(Default, Clone)]
pub(super) enum Tag {
    /// Not traced.
    #[default]
    None,
    /// Tracing is forced off for this protocol.
    Off,
    /// Traced under this name.
    Text(Box<[u8]>),
}

/// What a service remembers for tracing.
#[derive(Default)]
pub(super) struct Trace {
    /// Whether any tag was ever seen, so that untraced services pay one look at a flag.
    pub(super) enabled: bool,
    /// Whether timeouts remember where they were armed.
    pub(super) timeouts: bool,
    announced: HashMap<Address, Box<[u8]>>,
    counter: u32,
}

/// Takes a TRACE message: the next request of its source carries the tag.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn announce(vm: *mut Vm) {
    // SAFETY: as the caller's; the payload has `len` bytes.
    unsafe {
        let current = (*vm).current;
        if current.start.is_null() {
            return;
        }
        let tag = std::slice::from_raw_parts(current.start, current.len);
        (*vm).trace.enabled = true;
        (*vm).trace.announced.insert(current.source, tag.into());
    }
}

/// Gives a new request's task the tag that its source announced; the protocol is on top.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn begin_request(vm: *mut Vm, l: *mut lua_State, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        let kind = lua_getfield(l, -1, c"trace".as_ptr());
        let forced = (kind == ffi::LUA_TBOOLEAN).then(|| lua_toboolean(l, -1) != 0);
        lua_pop(l, 1);
        let announced = (*vm).trace.announced.remove(&(*task).source);
        (*task).tag = match (forced, announced) {
            (Some(false), _) => Tag::Off,
            (_, Some(tag)) => Tag::Text(tag),
            (Some(true), None) => Tag::Text(fresh_tag(vm)),
            (None, None) => Tag::None,
        };
        log(vm, task, "request", None);
    }
}

/// Makes a tag `:%08x-<n>`.
unsafe fn fresh_tag(vm: *mut Vm) -> Box<[u8]> {
    // SAFETY: rule 1.
    unsafe {
        (*vm).trace.counter += 1;
        format!("{}-{}", (*vm).context.address(), (*vm).trace.counter).into_bytes().into()
    }
}

/// A traced task is about to call: logs it, and announces the tag to the callee.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn begin_call(vm: *mut Vm, l: *mut lua_State, to: Destination) {
    // SAFETY: as the caller's.
    unsafe {
        let task = (*vm).running;
        let Some(Tag::Text(tag)) = task.as_ref().map(|task| &task.tag) else { return };
        log(vm, task, "call", Some((l, 1)));
        announce_tag(vm, to, tag);
    }
}

/// Announces the tag at stack index 1 (`tracecall`).
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn announce_to(vm: *mut Vm, l: *mut lua_State, to: Destination) {
    // SAFETY: as the caller's; the tag stays on the stack.
    unsafe {
        let mut len = 0;
        let tag = luaL_checklstring(l, 1, &mut len);
        let tag = std::slice::from_raw_parts(tag.cast(), len);
        write_line(vm, tag, b"tracecall begin", None);
        announce_tag(vm, to, tag);
    }
}

/// The call with the tag at stack index 1 is over.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn end_of_call(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's; the tag stays on the stack.
    unsafe {
        let mut len = 0;
        let tag = luaL_checklstring(l, 1, &mut len);
        write_line(vm, std::slice::from_raw_parts(tag.cast(), len), b"tracecall end", None);
    }
}

unsafe fn announce_tag(vm: *mut Vm, to: Destination, tag: &[u8]) {
    // SAFETY: rule 1; the block is given away.
    unsafe {
        let head = ((*vm).context.address(), Kind::TRACE, Session::NONE);
        // A callee that is not there is reported by the request itself.
        let _ = post(vm, to, head, Payload::copy_of(tag).into_raw());
    }
}

/// A traced task goes to sleep.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn sleeping(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe { log(vm, (*vm).running, "sleep", Some((l, 1))) };
}

/// A task goes on after a wait.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn resumed(vm: *mut Vm, _l: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).trace.enabled {
            log(vm, (*vm).running, "resume", None);
        }
    }
}

/// A traced task answers its request.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn response(vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe { log(vm, (*vm).running, "response", None) };
}

/// A task has returned.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn task_ended(vm: *mut Vm, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).trace.enabled {
            log(vm, task, "end", None);
        }
    }
}

/// A task has raised.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn task_failed(vm: *mut Vm, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).trace.enabled {
            log(vm, task, "error", None);
        }
    }
}

/// `skynet.trace([info])`.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn begin(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's; the note is read before anything is owned.
    unsafe {
        let task = (*vm).running;
        let mut len = 0;
        let note = match lua_type(l, 1) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => ptr::null(),
            _ => luaL_checklstring(l, 1, &mut len),
        };
        let Some(task_ref) = task.as_mut() else { return };
        let shown = match &task_ref.tag {
            Tag::Text(tag) => String::from_utf8_lossy(tag).into_owned(),
            Tag::Off => "false".to_owned(),
            Tag::None => "nil".to_owned(),
        };
        (*vm).context.log(&format!("TRACE {shown}"));
        if matches!(task_ref.tag, Tag::Off) {
            return;
        }
        (*vm).trace.enabled = true;
        task_ref.tag = Tag::Text(fresh_tag(vm));
        let mut what = "trace".to_owned();
        if !note.is_null() {
            let note = std::slice::from_raw_parts(note.cast(), len);
            // Writing to a string does not fail.
            let _ = write!(what, " {}", String::from_utf8_lossy(note));
        }
        log(vm, task, &what, None);
    }
}

/// Logs a line of a traced task.
unsafe fn log(vm: *mut Vm, task: *mut Task, what: &str, stack: Option<(*mut lua_State, c_int)>) {
    // SAFETY: rule 1.
    unsafe {
        if let Some(Tag::Text(tag)) = task.as_ref().map(|task| &task.tag) {
            write_line(vm, tag, what.as_bytes(), stack);
        }
    }
}

/// `tracelog(tag, text, ...)` with tag and text at 1 and 2.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn line_of_arguments(
    vm: *mut Vm,
    l: *mut lua_State,
    stack: Option<(*mut lua_State, c_int)>,
) {
    // SAFETY: as the caller's; both strings stay on the stack.
    unsafe {
        let (mut tag_len, mut text_len) = (0, 0);
        let tag = luaL_checklstring(l, 1, &mut tag_len);
        let text = luaL_checklstring(l, 2, &mut text_len);
        let tag = std::slice::from_raw_parts(tag.cast(), tag_len);
        let text = std::slice::from_raw_parts(text.cast(), text_len);
        write_line(vm, tag, text, stack);
    }
}

/// Writes `<TRACE tag> <nanoseconds> text[ : source:line ...]`.
unsafe fn write_line(vm: *mut Vm, tag: &[u8], text: &[u8], stack: Option<(*mut lua_State, c_int)>) {
    // SAFETY: rule 1; reading the stack's debug information raises nothing.
    unsafe {
        let context = &(*vm).context;
        let nanos = context.node().clock().nanos().to_string();
        let mut line = [b"<TRACE ", tag, b"> ", nanos.as_bytes(), b" ", text].concat();
        if let Some((thread, level)) = stack {
            append_stack(&mut line, thread, level);
        }
        context.node().log(context.address(), &line);
    }
}

/// Appends up to three `source:line` of a stack.
unsafe fn append_stack(line: &mut Vec<u8>, thread: *mut lua_State, first: c_int) {
    // SAFETY: `thread` is live; getstack and getinfo fill `info`.
    unsafe {
        let mut separator: &[u8] = b" : ";
        let mut shown = 0;
        let mut level = first;
        let mut info: ffi::lua_Debug = std::mem::zeroed();
        while shown < LEVELS && lua_getstack(thread, level, &mut info) != 0 {
            level += 1;
            if lua_getinfo(thread, c"Sl".as_ptr(), &mut info) == 0 || info.currentline < 0 {
                continue;
            }
            line.extend_from_slice(separator);
            line.extend_from_slice(CStr::from_ptr(info.source).to_bytes());
            line.extend_from_slice(format!(":{}", info.currentline).as_bytes());
            separator = b" ";
            shown += 1;
        }
    }
}

/// Pushes where a timeout is being armed: `TIMER <now>+<ti> : ` and a traceback.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn push_arming_point(vm: *mut Vm, l: *mut lua_State, centis: i64) {
    // SAFETY: as the caller's.
    unsafe {
        let now = (*vm).context.node().clock().now() as i64;
        ffi::lua_pushfstring(l, c"TIMER %I+%I : ".as_ptr(), now, centis);
        luaL_traceback(l, l, lua_tolstring(l, -1, ptr::null_mut()), 1);
        ffi::lua_insert(l, 3);
        ffi::lua_settop(l, 3);
    }
}

/// Keeps the text at stack index 3 as the place where the task's timeout was armed.
///
/// # Safety
/// `l` runs; the task is live.
pub(super) unsafe fn keep_arming_point(l: *mut lua_State, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        let mut len = 0;
        let text = lua_tolstring(l, 3, &mut len);
        if !text.is_null() {
            (*task).armed_at = Some(std::slice::from_raw_parts(text.cast::<u8>(), len).into());
        }
    }
}

/// Pushes where the task's timeout was armed.
///
/// # Safety
/// `l` runs; the task is live.
pub(super) unsafe fn push_armed_at(l: *mut lua_State, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        if let Some(text) = &(*task).armed_at {
            lua_pushlstring(l, text.as_ptr().cast(), text.len());
        }
    }
}
