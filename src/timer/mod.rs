//! Time: the node's clock, the timer wheel, and the thread that drives it.

mod clock;
mod thread;
pub mod wheel;

pub use clock::{Centis, Clock};
pub use thread::Timer;
