//! Runs the whole scheduler by seed: `whole --seed N` replays one execution, `whole --seeds A..B`
//! runs many and prints how long they took.

use std::process::exit;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => play(number(seed)),
        ["--seeds", range] => {
            let Some((first, end)) = range.split_once("..") else { usage() };
            let start = Instant::now();
            (number(first)..number(end)).for_each(play);
            println!("seeds {range}: all promises kept, {:.1} s", start.elapsed().as_secs_f64());
        }
        _ => usage(),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| usage())
}

fn usage() -> ! {
    eprintln!("usage: whole --seed N | --seeds FIRST..END");
    exit(2);
}

#[cfg(ironsky_shuttle)]
fn play(seed: u64) {
    let outcome = std::panic::catch_unwind(|| ironsky_models::whole::run(seed));
    if outcome.is_err() {
        eprintln!("replay with: cargo run --bin whole -- --seed {seed}");
        exit(1);
    }
}

#[cfg(not(ironsky_shuttle))]
fn play(_seed: u64) {
    eprintln!("the whole scheduler runs under shuttle: build without features");
    exit(2);
}
