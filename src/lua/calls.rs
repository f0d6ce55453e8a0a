//! Calls that do not end: time limits, reports of old calls, and requests that die with the
//! service that has taken them. Lua API 4.3, and `docs/src/reference/lua-api.md`.
//!
//! `native/call.rs` says what a task asks for; `dispatch.rs` comes here when a timer of this file
//! fires; `service.rs` comes here at the end of the service.
//!
//! A service without time limits and without `call_warning` pays for none of this: its calls only
//! note the kind and the time, which the debug console shows.
//!
//! Invariants:
//! 1. One [`Waiter::CallCheck`] is in the table of waiters for each entry of `armed`, which is
//!    sorted, the earliest last. So the timer that fires is always the last entry's.
//! 2. An entry of `limits` whose session no call waits for means nothing, and goes when it comes
//!    up or when most entries are like it.
//! 3. A call that was given up stays in the table as [`Waiter::Ignored`] until its late answer
//!    comes, but only the youngest [`GIVEN_UP_MAX`] of them do.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use mlua::ffi::{
    LUA_REGISTRYINDEX, LUA_TSTRING, LUA_TTABLE, lua_State, lua_getfield, lua_pop, lua_pushinteger,
    lua_rawgeti, lua_remove, lua_tolstring, lua_type,
};

use super::dispatch::forget_name;
use super::native::reply;
use super::task::Task;
use super::vm::{Answer, Vm, Waiter};
use crate::message::{Address, Kind, Session};
use crate::timer::Centis;

/// How many calls that were given up are known one by one.
const GIVEN_UP_MAX: usize = 4096;

/// Below this length the heap of limits is left alone.
const LIMITS_KEPT: usize = 64;

/// A request that nobody answers any more is remembered until the service ends; from this many on
/// those of dead services are looked for.
const FORGOTTEN_KEPT: usize = 64;

/// What a service knows of calls that take long.
#[derive(Default)]
pub(super) struct Calls {
    /// The time limit of calls that have none of their own, in centiseconds; 0 for none.
    pub(super) limit: i64,
    /// From which age on a call is reported, in centiseconds; 0 for never.
    pub(super) report_age: Centis,
    limits: BinaryHeap<Reverse<(Centis, i32)>>,
    armed: Vec<Centis>,
    given_up: VecDeque<i32>,
    /// The last session that left `given_up` for want of room.
    given_up_before: Option<i32>,
    forgotten: Vec<(Address, Session)>,
}

impl Calls {
    pub(super) fn new(report_age: Centis) -> Self {
        Self { report_age, ..Self::default() }
    }

    /// Remembers a request whose handler ended without an answer.
    pub(super) fn forget_request(
        &mut self,
        lives: impl Fn(Address) -> bool,
        request: (Address, Session),
    ) {
        if self.forgotten.len() >= FORGOTTEN_KEPT && self.forgotten.len().is_power_of_two() {
            self.forgotten.retain(|(source, _)| lives(*source));
        }
        self.forgotten.push(request);
    }

    /// Remembers a call that was given up; returns the session that has to make room for it.
    fn give_up(&mut self, session: i32) -> Option<i32> {
        self.given_up.push_back(session);
        if self.given_up.len() <= GIVEN_UP_MAX {
            return None;
        }
        let oldest = self.given_up.pop_front();
        self.given_up_before = oldest;
        oldest
    }

    /// Tells whether an unexpected answer may be that of a call which was given up long ago.
    pub(super) fn may_be_late(&self, session: i32) -> bool {
        self.given_up_before.is_some_and(|last| session.wrapping_sub(last) <= 0)
    }

    /// Tells whether a timer has to be set for a tick, and counts it as set.
    fn arm(&mut self, tick: Centis) -> bool {
        if self.armed.last().is_some_and(|earliest| *earliest <= tick) {
            return false;
        }
        self.armed.push(tick);
        true
    }
}

/// Notes that a call waits for its answer, and how long it may.
///
/// # Safety
/// Rule 1; the call is in the table of waiters.
#[inline]
pub(super) unsafe fn begin(
    vm: *mut Vm,
    task: *mut Task,
    session: i32,
    (kind, limit): (Kind, Limit),
) {
    // SAFETY: as the caller's.
    unsafe {
        (*task).asks = kind;
        (*task).asks_since_ns = (*vm).context.message_start_ns();
        let limit = match limit {
            Limit::Usual => (*vm).calls.limit,
            Limit::Centis(centis) => centis,
        };
        if limit > 0 || (*vm).calls.report_age > 0 {
            watch(vm, task, session, limit);
        }
    }
}

/// For how long a call may wait.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// As the service has it for all calls.
    Usual,
    /// So many hundredths of a second; without end for 0 and less.
    Centis(i64),
}

#[cold]
unsafe fn watch(vm: *mut Vm, task: *mut Task, session: i32, limit: i64) {
    // SAFETY: rule 1.
    unsafe {
        (*task).reported = false;
        let now = (*vm).context.node().clock().now();
        if limit > 0 {
            let last = now.saturating_add(limit as Centis);
            (*vm).calls.limits.push(Reverse((last, session)));
            forget_ended(vm);
            arm(vm, now, last);
        }
        let age = (*vm).calls.report_age;
        if age > 0 {
            arm(vm, now, now + age);
        }
    }
}

/// Drops the entries of calls that have ended, when they are most.
unsafe fn forget_ended(vm: *mut Vm) {
    // SAFETY: rule 1.
    unsafe {
        let (calls, waiters) = (&mut (*vm).calls, &(*vm).waiters);
        if calls.limits.len() > LIMITS_KEPT && calls.limits.len() > 2 * waiters.len() {
            calls.limits.retain(|Reverse((_, session))| {
                matches!(waiters.get(session), Some(Waiter::Call { .. }))
            });
        }
    }
}

/// Sets a timer, unless an earlier one is set.
unsafe fn arm(vm: *mut Vm, now: Centis, tick: Centis) {
    // SAFETY: rule 1.
    unsafe {
        if (*vm).calls.arm(tick) {
            let session = (*vm).new_session();
            (*vm).waiters.insert(session, Waiter::CallCheck);
            // At once would be before the answers that are in the mailbox already.
            let centis = tick.saturating_sub(now).max(1);
            (*vm).context.timeout_with(Session::new(session), centis as i64);
        }
    }
}

/// A timer of this file has fired: ends what has waited too long, reports what is old.
///
/// # Safety
/// Rules 1 and 2; no task runs.
pub(super) unsafe fn check(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's; nothing is owned while tasks run.
    unsafe {
        (*vm).calls.armed.pop();
        let now = (*vm).context.node().clock().now();
        while let Some(session) = next_expired(vm, now) {
            expire(vm, session);
            if (*vm).exited {
                return;
            }
        }
        if (*vm).calls.report_age > 0 {
            report_old(vm, l, now);
        }
        if let Some(&Reverse((tick, _))) = (*vm).calls.limits.peek() {
            arm(vm, now, tick);
        }
    }
}

/// Takes the next session whose time is over.
unsafe fn next_expired(vm: *mut Vm, now: Centis) -> Option<i32> {
    // SAFETY: rule 1.
    unsafe {
        loop {
            let &Reverse((tick, session)) = (*vm).calls.limits.peek()?;
            let waits = matches!((*vm).waiters.get(&session), Some(Waiter::Call { .. }));
            if waits && tick > now {
                return None;
            }
            (*vm).calls.limits.pop();
            if waits {
                return Some(session);
            }
        }
    }
}

/// Lets a call fail for want of an answer. A late one is dropped.
unsafe fn expire(vm: *mut Vm, session: i32) {
    // SAFETY: rule 1.
    unsafe {
        let Some(Waiter::Call { task, callee }) = (*vm).waiters.insert(session, Waiter::Ignored)
        else {
            return;
        };
        tell_given_up(vm, session, callee);
        forget_name(vm, session, callee);
        if let Some(oldest) = (*vm).calls.give_up(session)
            && matches!((*vm).waiters.get(&oldest), Some(Waiter::Ignored))
        {
            (*vm).waiters.remove(&oldest);
        }
        (*vm).answer = Answer::TimedOut;
        Vm::run(vm, task, 0);
    }
}

/// Lets the way to other nodes forget a request whose answer nobody waits for. If it was made by
/// name, the name is still known.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn tell_given_up(vm: *mut Vm, session: i32, callee: Address) {
    // SAFETY: as the caller's; the references end here.
    unsafe {
        let context = &(*vm).context;
        let leaves = match callee {
            Address::NOBODY => {
                (*vm).named_calls.get(&session).is_some_and(|name| !name.starts_with(b"."))
            }
            _ => context.node().is_remote(callee),
        };
        if leaves {
            context.give_up(Session::new(session));
        }
    }
}

/// Logs the calls that have become old, and sets the timer for the next one that does.
unsafe fn report_old(vm: *mut Vm, l: *mut lua_State, now: Centis) {
    // SAFETY: rules 1 and 2: the sessions are kept in the Vm.
    unsafe {
        find_calls(vm);
        let age_ns = (*vm).calls.report_age * 10_000_000;
        let mut next = Centis::MAX;
        for at in 0..(*vm).scratch_sessions.len() {
            let session = Vm::found_session(vm, at);
            let Some(&Waiter::Call { task, callee }) = (*vm).waiters.get(&session) else {
                continue;
            };
            if (*task).reported || is_stdin(vm, session, callee) {
                continue;
            }
            let age = age_of(vm, task);
            if age < age_ns {
                next = next.min(now + (age_ns - age).div_ceil(10_000_000));
                continue;
            }
            (*task).reported = true;
            push_kind(l, vm, (*task).asks);
            report(vm, l, (session, callee), age);
            lua_pop(l, 1);
        }
        if next < Centis::MAX {
            arm(vm, now, next);
        }
    }
}

/// Logs one old call; the name of its protocol is on top of the stack.
unsafe fn report(vm: *mut Vm, l: *mut lua_State, (session, callee): (i32, Address), age_ns: u64) {
    // SAFETY: rule 1; the text on the stack is copied.
    unsafe {
        let mut len = 0;
        let kind = lua_tolstring(l, -1, &mut len);
        let kind = String::from_utf8_lossy(std::slice::from_raw_parts(kind.cast(), len));
        let own = (*vm).context.address();
        let line = format!(
            "warning: the call from {own} to {} has no answer for {:.1} s (type {kind}, session \
             {session})",
            callee_text(vm, session, callee),
            age_ns as f64 / 1e9,
        );
        (*vm).context.log(&line);
    }
}

/// Returns whom a call goes to, as log lines show it.
unsafe fn callee_text(vm: *mut Vm, session: i32, callee: Address) -> String {
    // SAFETY: rule 1.
    unsafe {
        let named = &(*vm).named_calls;
        match named.get(&session) {
            None => callee.to_string(),
            Some(name) => {
                let text = String::from_utf8_lossy(name);
                match (*vm).context.query_name(name) {
                    Some(address) => format!("{text} ({address})"),
                    None => text.into_owned(),
                }
            }
        }
    }
}

/// Fills `scratch_sessions` with the sessions of calls, the oldest first.
pub(super) unsafe fn find_calls(vm: *mut Vm) {
    // SAFETY: rule 1.
    unsafe {
        let found = &mut (*vm).scratch_sessions;
        found.clear();
        let calls = (*vm).waiters.iter();
        found.extend(calls.filter_map(|(session, waiter)| {
            matches!(waiter, Waiter::Call { .. }).then_some(*session)
        }));
        found.sort_unstable();
    }
}

/// Tells whether a call waits for standard input, which is nobody's fault.
pub(super) unsafe fn is_stdin(vm: *mut Vm, session: i32, callee: Address) -> bool {
    // SAFETY: rule 1.
    unsafe { callee == Address::NOBODY && !(*vm).named_calls.contains_key(&session) }
}

/// Returns for how long a task waits for its answer, in nanoseconds.
pub(super) unsafe fn age_of(vm: *mut Vm, task: *mut Task) -> u64 {
    // SAFETY: rule 1.
    unsafe { (*vm).context.scheduler_ns().saturating_sub((*task).asks_since_ns) }
}

/// Pushes the name of the protocol with a number, or the number.
///
/// # Safety
/// Rules 1, 2 and 4.
pub(super) unsafe fn push_kind(l: *mut lua_State, vm: *mut Vm, kind: Kind) {
    // SAFETY: as the caller's.
    unsafe {
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.protocols.into());
        if lua_rawgeti(l, -1, kind.number().into()) == LUA_TTABLE {
            lua_getfield(l, -1, c"name".as_ptr());
            lua_remove(l, -2);
        }
        lua_remove(l, -2);
        if lua_type(l, -1) != LUA_TSTRING {
            lua_pop(l, 1);
            lua_pushinteger(l, kind.number().into());
            lua_tolstring(l, -1, std::ptr::null_mut());
        }
    }
}

/// The service ends: fails every request that it has taken and not answered. (The reference lets
/// those who asked wait for ever when the service was killed.)
///
/// # Safety
/// Rule 1, but Lua is not touched: a panic may have left the state in the middle of something.
pub(super) unsafe fn fail_taken(vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe {
        for task in (*vm).all_tasks() {
            Vm::fail_request(vm, task);
        }
        reply::fail_all(vm);
        for (source, session) in std::mem::take(&mut (*vm).calls.forgotten) {
            super::send::post_error(vm, source, session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_timer_counts() {
        let mut calls = Calls::default();
        assert!(calls.arm(50) && !calls.arm(50) && !calls.arm(60) && calls.arm(40));
        assert_eq!(calls.armed.pop(), Some(40));
        assert!(!calls.arm(55), "the timer for 50 still comes");
    }

    #[test]
    fn few_given_up_calls_are_kept() {
        let mut calls = Calls::default();
        assert!((1..=GIVEN_UP_MAX as i32).all(|session| calls.give_up(session).is_none()));
        assert!(!calls.may_be_late(1));
        assert_eq!(calls.give_up(i32::MAX), Some(1));
        assert!(calls.may_be_late(1) && !calls.may_be_late(2));
    }

    #[test]
    fn forgotten_requests_of_dead_services_go() {
        let mut calls = Calls::default();
        for n in 1..=FORGOTTEN_KEPT as u32 + 1 {
            calls.forget_request(|_| false, (Address::new(n), Session::new(1)));
        }
        assert_eq!(calls.forgotten.len(), 1);
    }
}
