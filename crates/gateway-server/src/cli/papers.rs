//! What is made of the command line and the tables themselves: `schema`, `completions`, `man`.

use super::{Cli, Exit};
use crate::config;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use std::io;
use std::path::{Path, PathBuf};

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server completions bash > /usr/share/bash-completion/completions/gateway-server\n  gateway-server completions zsh > /usr/share/zsh/site-functions/_gateway-server\n  gateway-server completions fish > ~/.config/fish/completions/gateway-server.fish"
)]
pub struct CompletionsArgs {
    /// The shell to write them for.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server man | man -l -\n  gateway-server man --dir /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// Write a page for each command into this folder, instead of one page for all to standard output.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Writes the JSON Schema of the configuration.
///
/// # Errors
/// What the writer says.
pub fn schema(out: &mut dyn io::Write) -> io::Result<Exit> {
    writeln!(out, "{:#}", config::schema())?;
    Ok(Exit::Fine)
}

/// Writes what a shell needs to complete commands, flags and their values.
///
/// # Errors
/// What the writer says.
pub fn completions(args: &CompletionsArgs, out: &mut dyn io::Write) -> io::Result<Exit> {
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), PROGRAM, &mut script);
    out.write_all(&script)?;
    Ok(Exit::Fine)
}

/// Writes the manual.
///
/// # Errors
/// What the writer says, or that a page cannot be written.
pub fn man(args: &ManArgs, out: &mut dyn io::Write) -> io::Result<Exit> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    match &args.dir {
        None => one_page(&program, out)?,
        Some(dir) => pages(&program, PROGRAM, dir)?,
    }
    Ok(Exit::Fine)
}

/// The program's page, and after its options each command as a section of its own.
fn one_page(program: &Command, out: &mut dyn io::Write) -> io::Result<()> {
    let page = Man::new(program.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    for command in program.get_subcommands() {
        with_children(command, out)?;
    }
    page.render_extra_section(out)?;
    page.render_version_section(out)
}

/// A command as a section, and those below it as further ones.
fn with_children(command: &Command, out: &mut dyn io::Write) -> io::Result<()> {
    if command.is_hide_set() {
        return Ok(());
    }
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let name = name.strip_prefix(PROGRAM).unwrap_or(name).trim();
    let page = Man::new(command.clone());
    let mut body = Vec::new();
    page.render_synopsis_section(&mut body)?;
    page.render_description_section(&mut body)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        page.render_options_section(&mut body)?;
    }
    page.render_extra_section(&mut body)?;
    writeln!(out, ".SH \"{}\"", name.to_uppercase())?;
    // What is a section of its own page is a part of a section here.
    let body = String::from_utf8_lossy(&body).replace("\n.SH ", "\n.SS ");
    out.write_all(body.as_bytes())?;
    for child in command.get_subcommands() {
        with_children(child, out)?;
    }
    Ok(())
}

/// `gateway-server.1`, `gateway-server-check.1`, and so on.
fn pages(command: &Command, name: &str, dir: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name.to_owned())).render(&mut page)?;
    std::fs::write(dir.join(format!("{name}.1")), page)?;
    for child in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        pages(child, &format!("{name}-{}", child.get_name()), dir)?;
    }
    Ok(())
}

const PROGRAM: &str = "gateway-server";
