//! The library from outside: nodes without Lua, made of services that are closures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{DEADLINE, Lines, app, handled_by, launch, receive, request, send, text, wait_until};
use ironsky::app::App;
use ironsky::config::Config;
use ironsky::message::{Address, Kind, Message, Payload, Session};
use ironsky::node::{CallError, Context, RunError, Running, StartError};
use ironsky::service::{NameTaken, Service};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A service that passes its messages to the test; the test acts in its name.
struct Probe {
    context: Context,
    arrived: Receiver<Message>,
}

/// Adds the kind of service that [`Probe::of`] starts.
fn with_probe(app: App) -> (App, Receiver<Probe>) {
    let (started, probes) = channel();
    let app = app.service("probe", move |context, _| {
        let (sender, arrived) = channel();
        let probe = Probe { context: context.clone(), arrived };
        started.send(probe).map_err(|_| StartError("the test is over".into()))?;
        handled_by(move |message| drop(sender.send(message)))
    });
    (app, probes)
}

impl Probe {
    fn of(running: &Running, probes: &Receiver<Probe>) -> Self {
        launch(running, "probe");
        receive(probes)
    }

    /// Kind, session and source of the next message.
    #[track_caller]
    fn next(&self) -> (Kind, i32, Address) {
        let message = receive(&self.arrived);
        (message.kind, message.session.number(), message.source)
    }

    /// Checks that nothing came so far: a message to itself is the next one.
    #[track_caller]
    fn expect_nothing(&self) {
        let own = self.context.address();
        request(&self.context, own, Session::new(77), "");
        assert_eq!(self.next(), (Kind::TEXT, 77, own));
    }
}

/// Adds a kind of service that waits in each message until the test lets it go on.
fn with_gate(app: App) -> (App, Receiver<()>, Sender<()>) {
    let (entered, seen) = channel();
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let app = app.service("gate", move |_, _| {
        let (entered, released) = (entered.clone(), Arc::clone(&released));
        handled_by(move |_| {
            entered.send(()).unwrap();
            receive(&released.lock().unwrap());
        })
    });
    (app, seen, release)
}

fn call(running: &Running, to: Address, text: &str) -> Result<String, CallError> {
    let answer = running.node().caller()?.call(to, Kind::TEXT, text, DEADLINE)?;
    Ok(String::from_utf8_lossy(answer.as_bytes()).into_owned())
}

#[test]
fn nodes_of_one_process_do_not_meet() {
    let start = |harbor: &str| {
        let pairs = [("harbor", harbor), ("thread", "2"), ("bootstrap", "named")];
        let harbor = harbor.to_owned();
        let app = App::new(Config::from_pairs(pairs).unwrap()).service("named", move |c, _| {
            let (context, harbor) = (c.clone(), harbor.clone());
            handled_by(move |message| context.respond(&message, &*harbor))
        });
        let running = app.start().unwrap();
        let first = Address::of(running.node().harbor(), 2);
        running.node().name(".same", first).unwrap();
        running
    };
    let nodes = ["0", "1", "2"].map(start);
    for (harbor, running) in nodes.iter().enumerate() {
        let to = running.node().resolve(".same").unwrap();
        assert_eq!(usize::from(to.harbor()), harbor);
        assert_eq!(call(running, to, "who?"), Ok(harbor.to_string()));
    }
    let elsewhere = Address::of(2, 2);
    assert_eq!(call(&nodes[1], elsewhere, "who?"), Err(CallError::Failed(elsewhere)));
    let [first, second, third] = nodes;
    assert_eq!(second.stop().unwrap(), 0);
    assert_eq!(call(&first, Address::new(2), "who?"), Ok("0".into()));
    drop(third);
    assert_eq!(call(&first, Address::new(2), "who?"), Ok("0".into()));
}

#[test]
fn a_call_to_another_node_says_why_it_failed() {
    let running = app(2, &Lines::default()).start().unwrap();
    running.node().launch("harbor", Some(b"0 2")).unwrap();
    let elsewhere = Address::of(5, 8);
    let error = call(&running, elsewhere, "who?").unwrap_err();
    let text = "the call to :05000008 failed: harbor 5: this node has no harbors: the config key \
                harbor is 0";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_panic_ends_its_service_only() {
    let lines = Lines::default();
    let app = app(2, &lines).service("boom", |_, _| {
        handled_by(|message| match text(&message).as_str() {
            "text" => panic!("a text"),
            "value" => std::panic::panic_any(5),
            _ => {}
        })
    });
    let running = app.start().unwrap();
    for (what, report) in [("text", "retired: a text"), ("value", "retired: a panic without")] {
        let boom = launch(&running, "boom");
        assert_eq!(call(&running, boom, what), Err(CallError::Failed(boom)));
        assert_eq!(call(&running, boom, what), Err(CallError::NoService(boom)));
        assert!(lines.wait_for(report).starts_with(&format!("[{boom}] error: ")));
    }
    let echo = launch(&running, "echo");
    assert_eq!(call(&running, echo, "alive").as_deref(), Ok("alive"));
    assert_eq!(running.stop().unwrap(), 0);
}

/// A service that panics when it is dropped.
struct FallsOver;

impl Service for FallsOver {
    fn dispatch(&mut self, _message: Message) {}
}

impl Drop for FallsOver {
    fn drop(&mut self) {
        panic!("no way out");
    }
}

#[test]
fn a_panic_at_the_end_of_a_service_harms_nobody() {
    let lines = Lines::default();
    let app = app(2, &lines).service("falls", |_, _| Ok(Box::new(FallsOver)));
    let running = app.start().unwrap();
    let falls = launch(&running, "falls");
    running.node().caller().unwrap().context().kill_address(falls);
    lines.wait_for("no way out");
    launch(&running, "falls");
    assert_eq!(running.stop().unwrap(), 0);
    assert_eq!(lines.with("no way out").len(), 2);
}

#[test]
fn a_panic_at_the_start_of_a_service_is_a_failed_start() {
    let lines = Lines::default();
    let app = app(2, &lines).service("falls", |_, _| panic!("on the doorstep"));
    let running = app.start().unwrap();
    assert_eq!(running.node().launch("falls", None), None);
    lines.wait_for("on the doorstep");
    assert_eq!(running.stop().unwrap(), 0);
}

#[test]
fn what_waits_for_a_retired_service_bounces_in_order() {
    let (app, probes) = with_probe(app(1, &Lines::default()));
    let (app, entered, release) = with_gate(app);
    let running = app.start().unwrap();
    let probe = Probe::of(&running, &probes);
    let (own, gate) = (probe.context.address(), launch(&running, "gate"));
    request(&probe.context, gate, Session::new(4), "holds the worker");
    receive(&entered);
    request(&probe.context, gate, Session::new(5), "");
    for kind in [Kind::RESPONSE, Kind::ERROR] {
        let message = Message::empty(own, Session::new(9), kind);
        probe.context.send(gate, message).unwrap();
    }
    send(&probe.context, gate, "expects nothing");
    request(&probe.context, gate, Session::new(6), "");
    running.node().caller().unwrap().context().kill_address(gate);
    assert!(probe.context.send(gate, Message::empty(own, Session::NONE, Kind::TEXT)).is_err());
    release.send(()).unwrap();
    for session in [5, 0, 6] {
        assert_eq!(probe.next(), (Kind::ERROR, session, gate));
    }
    probe.expect_nothing();
    assert!(entered.try_recv().is_err(), "the retired service handled another message");
}

#[test]
fn a_failed_start_bounces_what_came_early() {
    let lines = Lines::default();
    let (app, probes) = with_probe(app(2, &lines));
    let (early, sent) = channel::<Context>();
    let sent = Mutex::new(sent);
    let app = app.service("fails", move |context, _| {
        let probe = receive(&sent.lock().unwrap());
        request(&probe, context.address(), Session::new(3), "are you there?");
        Err(StartError("not today".into()))
    });
    let running = app.start().unwrap();
    let probe = Probe::of(&running, &probes);
    early.send(probe.context.clone()).unwrap();
    assert_eq!(running.node().launch("fails", Some(b"x")), None);
    let (kind, session, source) = probe.next();
    assert_eq!((kind, session), (Kind::ERROR, 3));
    lines.wait_for(&format!("[{source}] error: launch fails FAILED"));
    lines.wait_for(&format!("[{source}] error: not today"));
    assert_eq!(running.node().launch("nobody", None), None);
    lines.wait_for("error: no native service \"nobody\"");
}

/// Says when it is dropped, in the log and to the test.
struct Mortal {
    context: Context,
    ended: Sender<Address>,
}

impl Service for Mortal {
    fn dispatch(&mut self, _message: Message) {}
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.context.log("farewell");
        let _ = self.ended.send(self.context.address());
    }
}

#[test]
fn later_services_end_first_and_the_log_last() {
    let lines = Lines::default();
    let (ended, order) = channel();
    let app = app(4, &lines).service("mortal", move |context, _| {
        Ok(Box::new(Mortal { context: context.clone(), ended: ended.clone() }))
    });
    let running = app.start().unwrap();
    let mut started: Vec<Address> = (0..20).map(|_| launch(&running, "mortal")).collect();
    // One that runs would end a little after the others: with its current message.
    for address in &started {
        let registry = &running.node().scheduler().registry;
        wait_until(|| registry.with(*address, |cell| cell.mailbox.is_idle()) == Some(true));
    }
    assert_eq!(running.stop().unwrap(), 0);
    started.reverse();
    assert_eq!(order.try_iter().collect::<Vec<_>>(), started);
    assert_eq!(lines.with("farewell").len(), 20);
}

#[test]
fn no_line_of_the_log_is_lost_at_the_end() {
    let lines = Lines::default();
    let app = app(4, &lines).service("chatty", |context, _| {
        let context = context.clone();
        handled_by(move |_| {
            for number in 0..3000 {
                context.log(&format!("line {number}"));
            }
            context.node().abort(5);
        })
    });
    let running = app.start().unwrap();
    let chatty = launch(&running, "chatty");
    send(running.node().caller().unwrap().context(), chatty, "go");
    assert_eq!(running.wait().unwrap(), 5);
    let expected: Vec<String> = (0..3000).map(|n| format!("[{chatty}] line {n}")).collect();
    assert_eq!(lines.with("] line "), expected);
}

#[test]
fn a_node_that_ends_takes_no_new_services() {
    let app = app(2, &Lines::default()).service("spawner", |context, _| {
        let context = context.clone();
        handled_by(move |message| {
            context.respond(&message, "");
            while context.node().launch("idle", None).is_some() {}
        })
    });
    let running = app.start().unwrap();
    let spawner = launch(&running, "spawner");
    assert_eq!(call(&running, spawner, "").as_deref(), Ok(""));
    running.node().abort(0);
    assert_eq!(running.node().ended().wait_for(DEADLINE), Some(0));
    assert_eq!(running.node().launch("idle", None), None);
    assert_eq!(running.node().caller().err(), Some(CallError::Ended));
    assert_eq!(running.wait().unwrap(), 0);
}

#[test]
fn the_first_failure_is_the_exit_status() {
    let (app, entered, release) = with_gate(app(1, &Lines::default()));
    let running = app.start().unwrap();
    let gate = launch(&running, "gate");
    send(running.node().caller().unwrap().context(), gate, "holds the node");
    receive(&entered);
    for status in [0, 3, 0, 4] {
        running.node().abort(status);
    }
    release.send(()).unwrap();
    assert_eq!(running.wait().unwrap(), 3);
}

#[test]
fn a_node_without_services_has_ended() {
    let running = app(1, &Lines::default()).start().unwrap();
    for address in running.node().scheduler().registry.addresses() {
        running.node().scheduler().retire(address);
    }
    assert_eq!(running.wait().unwrap(), 0);
}

#[test]
fn a_node_whose_first_services_are_unknown_does_not_start() {
    let lines = Lines::default();
    let start = |pairs: [(&str, &str); 2]| {
        let lines = lines.clone();
        let app = App::new(Config::from_pairs(pairs).unwrap());
        let app = app.service("collects", move |_, _| {
            let lines = lines.clone();
            handled_by(move |message| lines.push(&message))
        });
        app.start().err().unwrap()
    };
    let error = start([("harbor", "0"), ("logservice", "nobody")]);
    assert!(matches!(error, RunError::Logger(_)), "{error}");
    assert_eq!(error.to_string(), "Can't launch nobody service");
    assert_eq!(lines.all(), [""; 0]);
    let error = start([("logservice", "collects"), ("bootstrap", " nobody x")]);
    assert!(matches!(error, RunError::Bootstrap(_)), "{error}");
    assert_eq!(error.to_string(), "Bootstrap error :  nobody x");
    let expected = [
        "[:00000000] error: no native service \"nobody\"",
        "[:00000000] error: cpath: no file ./cservice/nobody.so",
        "[:00000000] Bootstrap error :  nobody x\n",
    ];
    assert_eq!(lines.all(), expected);
}

#[test]
fn a_caller_does_not_take_a_late_answer_for_another() {
    let app = app(2, &Lines::default()).service("slow", |context, _| {
        let (context, mut kept) = (context.clone(), Vec::new());
        handled_by(move |message| {
            kept.push(message);
            if kept.len() == 2 {
                for (number, message) in kept.drain(..).enumerate() {
                    context.respond(&message, &*format!("answer {number}"));
                }
            }
        })
    });
    let running = app.start().unwrap();
    let slow = launch(&running, "slow");
    let caller = running.node().caller().unwrap();
    let early = caller.call(slow, Kind::TEXT, "", Duration::from_millis(1));
    assert_eq!(early.err(), Some(CallError::TimedOut(slow)));
    let answer = caller.call(slow, Kind::TEXT, "", DEADLINE).unwrap();
    assert_eq!(answer.as_bytes(), b"answer 1");
}

#[test]
fn a_caller_learns_that_the_node_ends() {
    let (app, entered, release) = with_gate(app(2, &Lines::default()));
    let running = app.start().unwrap();
    let gate = launch(&running, "gate");
    let caller = running.node().caller().unwrap();
    let calling = std::thread::spawn(move || caller.call(gate, Kind::TEXT, "", DEADLINE).err());
    receive(&entered);
    running.node().abort(0);
    assert_eq!(calling.join().unwrap(), Some(CallError::Ended));
    release.send(()).unwrap();
    assert_eq!(running.wait().unwrap(), 0);
}

#[test]
fn a_caller_is_gone_when_it_is_dropped() {
    let running = app(1, &Lines::default()).start().unwrap();
    let address = running.node().caller().unwrap().context().address();
    assert!(running.node().scheduler().registry.find(address).is_none());
}

#[test]
fn timeouts_come_as_answers() {
    let (app, probes) = with_probe(app(2, &Lines::default()));
    let running = app.start().unwrap();
    let probe = Probe::of(&running, &probes);
    let begin = Instant::now();
    let late = probe.context.timeout(100).number();
    let now = probe.context.timeout(0).number();
    let past = probe.context.timeout(-5).number();
    assert_eq!(probe.next(), (Kind::RESPONSE, now, Address::NOBODY));
    assert_eq!(probe.next(), (Kind::RESPONSE, past, Address::NOBODY));
    assert_eq!(probe.next(), (Kind::RESPONSE, late, Address::NOBODY));
    // The current tick of 10 ms counts as begun.
    assert!(begin.elapsed() >= Duration::from_millis(990), "{:?}", begin.elapsed());
}

#[test]
fn the_monitor_hears_of_every_end() {
    let (app, probes) = with_probe(app(2, &Lines::default()));
    let running = app.start().unwrap();
    let probe = Probe::of(&running, &probes);
    let own = format!(":{:x}", probe.context.address().bits());
    probe.context.command(b"MONITOR", Some(own.as_bytes()));
    assert_eq!(probe.context.command(b"MONITOR", None), Some(own.into_bytes()));
    let echo = launch(&running, "echo");
    probe.context.kill_address(echo);
    assert_eq!(probe.next(), (Kind::CLIENT, 0, echo));
}

#[test]
fn a_name_belongs_to_one_service_and_goes_with_it() {
    let running = app(1, &Lines::default()).start().unwrap();
    let node = running.node();
    let (one, two) = (launch(&running, "echo"), launch(&running, "echo"));
    node.name(".speaker", one).unwrap();
    assert_eq!(node.name("speaker", two), Err(NameTaken));
    assert_eq!(node.resolve("speaker"), Some(one));
    node.caller().unwrap().context().kill_address(one);
    assert_eq!(node.resolve(".speaker"), None);
    node.name(".speaker", two).unwrap();
    let caller = node.caller().unwrap();
    let message = Message {
        source: caller.context().address(),
        session: Session::NONE,
        kind: Kind::TEXT,
        payload: Payload::from("x"),
    };
    assert!(caller.context().send_to_name(b".nobody", message).is_err());
}

#[test]
fn dropping_the_handle_ends_the_node() {
    let (ended, order) = channel();
    let app = app(2, &Lines::default()).service("mortal", move |context, _| {
        Ok(Box::new(Mortal { context: context.clone(), ended: ended.clone() }))
    });
    let running = app.start().unwrap();
    let mortal = launch(&running, "mortal");
    drop(running);
    assert_eq!(order.try_recv(), Ok(mortal));
}

#[test]
fn a_node_may_end_while_it_starts() {
    let lines = Lines::default();
    let app = app(2, &lines).service("idle", |context, _| {
        context.log("not today");
        context.node().abort(4);
        handled_by(|_| {})
    });
    let running = app.start().unwrap();
    assert_eq!(running.node().ended().wait_for(DEADLINE), Some(4));
    assert_eq!(running.wait().unwrap(), 4);
    assert_eq!(lines.with("not today").len(), 1);
}

#[test]
fn a_node_outlives_its_log_service() {
    let app = app(2, &Lines::default());
    let app = app.service("logger", |_, _| handled_by(|_| panic!("no paper")));
    let running = app.start().unwrap();
    let caller = running.node().caller().unwrap();
    caller.context().log("the last line");
    wait_until(|| running.node().resolve(".logger").is_none());
    caller.context().log("one more");
    let echo = launch(&running, "echo");
    assert_eq!(call(&running, echo, "still here").as_deref(), Ok("still here"));
    assert_eq!(running.stop().unwrap(), 0);
}
