//! Nodes that find each other through engines that people run: etcd and name servers, as the
//! distribution has them (`etcd-server`, `dnsmasq-base`). A test whose engine is not installed says
//! that it was skipped.
//!
//! The nodes run `tests/networks/member.lua`, and are told what to do line by line.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "discovery/dns.rs"]
mod dns;
#[path = "discovery/engine.rs"]
mod engine;
#[path = "discovery/etcd.rs"]
mod etcd;
#[path = "discovery/member.rs"]
mod member;
