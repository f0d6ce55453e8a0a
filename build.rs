//! Has the executable export the Lua C API, so that C modules on `lua_cpath` find it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-rdynamic");
}
