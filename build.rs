//! Gives cargo's own shared object the name and the permanence that the Makefile gives the real one.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    let elf = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| {
        matches!(os.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly")
    });
    if elf {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libacl_socket.so.{major}");
        // Unmapping a library that has thread-local destructors crashes its host.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
