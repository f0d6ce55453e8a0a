//! Runs every part of the stress, or the named ones: for ThreadSanitizer, which makes the program
//! end with 66 when it has something to report. `IRONSKY_ROUNDS` says how long (20,000).

#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
fn main() {
    let rounds = std::env::var("IRONSKY_ROUNDS").map_or(20_000, |text| {
        text.parse().unwrap_or_else(|_| panic!("IRONSKY_ROUNDS is a number, not {text:?}"))
    });
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for (name, part) in ironsky_models::stress::PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("{name}");
            part(rounds);
        }
    }
    println!("done");
}

#[cfg(any(ironsky_loom, ironsky_shuttle))]
fn main() {
    eprintln!("the stress has threads of the system: build with --features native");
    std::process::exit(2);
}
