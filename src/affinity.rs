//! Pins threads to cores.
