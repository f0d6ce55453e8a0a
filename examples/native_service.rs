//! A service written in Rust, called from a Lua service and from a plain Rust thread.
//!
//! Run it with `cargo run --example native_service`.

use ironsky::app::App;
use ironsky::codec::seri::{Value, decode, encode};
use ironsky::config::Config;
use ironsky::message::{Kind, Message, Payload};
use ironsky::node::{Context, StartError};
use ironsky::service::Service;
use std::error::Error;
use std::time::Duration;

/// Adds up the numbers that it is sent, and answers with the total.
struct Sum {
    context: Context,
    total: i64,
}

impl Sum {
    /// Called for every launch of a `sum`, with the text behind the name.
    fn start(context: &Context, _args: Option<&[u8]>) -> Result<Box<dyn Service>, StartError> {
        Ok(Box::new(Self { context: context.clone(), total: 0 }))
    }

    /// Lua packs the arguments of `skynet.call` in the `seri` format, and expects an answer in it.
    fn add(&mut self, arguments: &Payload) -> Result<Payload, Box<dyn Error>> {
        for value in decode(arguments.as_bytes())? {
            let Value::Integer(number) = value else { return Err("not an integer".into()) };
            self.total += number;
        }
        Ok(encode(&[Value::Integer(self.total)])?.as_slice().into())
    }
}

impl Service for Sum {
    fn dispatch(&mut self, message: Message) {
        match self.add(&message.payload) {
            Ok(answer) => self.context.respond(&message, answer),
            Err(error) => {
                self.context.log(&format!("sum: {error}"));
                self.context.refuse(&message);
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_pairs([
        ("harbor", "0"),
        ("start", "calls_sum"),
        ("luaservice", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/lua/?.lua")),
    ])?;
    let running = App::new(config).service("sum", Sum::start).start()?;

    let sum = running.node().launch("sum", None).ok_or("the log says why it did not start")?;
    let caller = running.node().caller()?;
    let numbers = encode(&[Value::Integer(30), Value::Integer(10)])?;
    let answer = caller.call(sum, Kind::LUA, numbers.as_slice(), Duration::from_secs(10))?;
    println!("Rust added 30 and 10; the answer is {:?}", decode(answer.as_bytes())?);

    // Now the Lua service may find it. It adds 2, logs the answer, and ends the node.
    running.node().name(".sum", sum)?;
    running.wait()?;
    Ok(())
}
