//! What the binary does: read the command line, then do what it says.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::{self, Action, Cli, Exit};
use crate::config::Environment;
use crate::run::{Heritage, run};

/// The whole program. Returns when it is done.
pub fn main() -> ExitCode {
    let cli = match Cli::parse_from_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output, complaints to standard error; if that is gone, so is the reader.
            let _gone = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let environment = Environment::of_process();
    let done = match cli.action() {
        Action::Check(args) => cli::check(&args, &environment, &mut io::stdout().lock()),
        Action::Explain(args) => {
            let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
            cli::explain(&args, &environment, &mut out, &mut err)
        }
        Action::Operate(what) => {
            cli::operate(&what, &environment, &mut io::stdout(), &mut io::stderr())
        }
        Action::Show(args) => {
            let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
            cli::show(&args, &environment, &mut out, &mut err)
        }
        Action::Upgrade(args) => to_both(|out, err| cli::upgrade(&args, &environment, out, err)),
        Action::Drain(args) => to_both(|out, err| cli::drain(&args, &environment, out, err)),
        Action::Healthcheck(args) => {
            to_both(|out, err| cli::healthcheck(&args, &environment, out, err))
        }
        Action::Migrate(args) => cli::migrate(&args, &environment, &mut io::stdout().lock()),
        Action::Schema => cli::schema(&mut io::stdout().lock()),
        Action::Completions(args) => cli::completions(&args, &mut io::stdout().lock()),
        Action::Man(args) => cli::man(&args, &mut io::stdout().lock()),
        Action::Run(args) => Ok(serve(&args, &environment)),
        Action::Refuse(why) => writeln!(io::stderr(), "{why}").map(|()| Exit::Usage),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(_gone) => Exit::Problems.into(),
    }
}

fn to_both(
    command: impl FnOnce(&mut dyn Write, &mut dyn Write) -> io::Result<Exit>,
) -> io::Result<Exit> {
    command(&mut io::stdout().lock(), &mut io::stderr().lock())
}

fn serve(args: &cli::RunArgs, environment: &Environment) -> Exit {
    let heritage = match Heritage::of(environment) {
        Ok(heritage) => heritage,
        Err(error) => {
            let _gone = writeln!(
                io::stderr(),
                "gateway-server: cannot take over from the process before: {error}"
            );
            return Exit::Problems;
        }
    };
    let mut stderr = heritage.complaints();
    let launch = match cli::load(args, environment, &mut stderr) {
        Ok(Ok(launch)) => launch,
        Ok(Err(exit)) => return exit,
        Err(_gone) => return Exit::Problems,
    };
    match run(launch, heritage) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            // If nobody reads standard error, the exit code has to do.
            let _gone = writeln!(stderr, "gateway-server: {error}");
            Exit::Problems
        }
    }
}
