//! Writes the C header: what cbindgen makes of `src/capi`, with the macros that come from the
//! version and from the table of identifiers. The header goes to the file given, else to stdout.

use acl_socket::error::{Row, TABLE};
use cbindgen::{Builder, Config};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// Stands in cbindgen.toml where the macros belong.
const MARKER: &str = "@MACROS@\n";
const WIDTH: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut bindings = Vec::new();
    Builder::new()
        .with_config(Config::from_file(top.join("cbindgen.toml"))?)
        // Follows the `mod` lines: their order is the order of the manual, and nothing outside
        // src/capi can slip into the ABI.
        .with_src(top.join("src/capi/mod.rs"))
        .generate()?
        .write(&mut bindings);
    let header = without_safety_sections(&String::from_utf8(bindings)?);
    let (before, after) = header.split_once(MARKER).ok_or("no @MACROS@ line in cbindgen.toml")?;
    let header = format!("{before}{}{after}", macros(&package_version(&top)?, after)?);
    match env::args_os().nth(1) {
        Some(file) => fs::write(file, header)?,
        None => io::Write::write_all(&mut io::stdout(), header.as_bytes())?,
    }
    Ok(())
}

/// The version in Cargo.toml.
fn package_version(top: &Path) -> Result<String, Box<dyn Error>> {
    let manifest = fs::read_to_string(top.join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    Ok(line.and_then(|rest| rest.strip_suffix('"')).ok_or("no version in Cargo.toml")?.to_owned())
}

/// The part of the header that no Rust item stands for.
fn macros(version: &str, bindings: &str) -> Result<String, Box<dyn Error>> {
    let numbers = version.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>()?;
    let &[major, minor, patch] = &numbers[..] else { return Err("version is not a.b.c".into()) };
    let mut out = String::new();
    out += &comment("The version of this header, as numbers, as 0xMMmmpp and as text.");
    writeln!(out, "#define ACL_SOCKET_VERSION_MAJOR {major}")?;
    writeln!(out, "#define ACL_SOCKET_VERSION_MINOR {minor}")?;
    writeln!(out, "#define ACL_SOCKET_VERSION_PATCH {patch}")?;
    writeln!(out, "#define ACL_SOCKET_VERSION 0x{major:04x}{minor:02x}{patch:02x}")?;
    writeln!(out, "#define ACL_SOCKET_VERSION_STRING \"{version}\"\n")?;

    out += &comment(
        "Sets the first field of a structure of arguments, as in \
        acl_make_socket(&(acl_make_socket_args){ ACL_SOCKET_ARGS(acl_make_socket_args), \
        .remote_port = 80 }, &socket). C++ before C++20 and C89 assign struct_size.",
    );
    writeln!(out, "#define ACL_SOCKET_ARGS(type) .struct_size = sizeof(type)\n")?;

    if !bindings.contains("#define ACL_SOCKET_OK ") {
        out += &comment("The value of acl_status where an operation succeeded.");
        writeln!(out, "#define ACL_SOCKET_OK 0\n")?;
    }
    for Row { number, name, keyword, doc, .. } in TABLE {
        out += &comment(&format!("{keyword}. {doc}"));
        writeln!(out, "#define {name} {number}\n")?;
    }
    out += &comment("Every identifier: XX(number, name, keyword, meaning), for tables and bindings.");
    write!(out, "#define ACL_SOCKET_STATUS_MAP(XX)")?;
    for Row { number, name, keyword, meaning, .. } in TABLE {
        write!(out, " \\\n    XX({number}, {name}, \"{keyword}\", {meaning:?})")?;
    }
    out += "\n";
    Ok(out)
}

/// A comment in the form that cbindgen gives the others.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from(" *")];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => *line += &format!(" {word}"),
            _ => lines.push(format!(" * {word}")),
        }
    }
    match &lines[..] {
        [line] if line.len() + 4 <= WIDTH => format!("/**{} */\n", &line[2..]),
        _ => format!("/**\n{}\n */\n", lines.join("\n")),
    }
}

/// Removes the sections that Rust's own lints ask of an `unsafe fn`: they repeat for Rust what
/// `@param` says in C. Such a section lasts until the next tag, heading or end of the comment.
fn without_safety_sections(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in header.lines() {
        let text = line.trim_start();
        if text == "* # Safety" {
            inside = true;
            while kept.last().is_some_and(|line| line.trim() == "*") {
                kept.pop();
            }
        } else if inside && (text == "*/" || text.starts_with("* @") || text.starts_with("* # ")) {
            inside = false;
            if text != "*/" {
                kept.push(" *");
            }
        }
        if !inside {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}
