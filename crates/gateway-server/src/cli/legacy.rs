//! LiteLLM's flags that make no sense in one process without a database: accepted, so that a
//! container which only swaps the image starts, with one line of warning each.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

/// The legacy flags that were given.
#[derive(Debug, Clone, Default)]
pub struct LegacyArgs {
    given: Vec<&'static Flag>,
}

impl LegacyArgs {
    /// Each flag with the consequence of its being ignored.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.given.iter().map(|flag| (flag.name, flag.consequence))
    }
}

impl Args for LegacyArgs {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, flag| {
            let arg = Arg::new(flag.name).long(flag.name).hide(true);
            command.arg(match flag.takes {
                Takes::Nothing => arg.action(ArgAction::SetTrue),
                Takes::Value => arg
                    .action(ArgAction::Append)
                    .num_args(1)
                    .allow_hyphen_values(true),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LegacyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |flag: &&'static Flag| {
            matches.value_source(flag.name) == Some(ValueSource::CommandLine)
        };
        Ok(Self {
            given: FLAGS.iter().filter(given).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug)]
struct Flag {
    name: &'static str,
    takes: Takes,
    consequence: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Takes {
    Nothing,
    Value,
}

const fn flag(name: &'static str, consequence: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::Nothing,
        consequence,
    }
}

const fn valued(name: &'static str, consequence: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::Value,
        consequence,
    }
}

const SERVER: &str = "there is one server, and it is built in";
const RESTART: &str = "the process never restarts itself";
const DATABASE: &str = "there is no database";
const REQUEST: &str = "put it under litellm_params of a deployment";

static FLAGS: &[Flag] = &[
    flag("run-gunicorn", SERVER),
    flag("run-granian", SERVER),
    flag("run-hypercorn", SERVER),
    valued("log-config", "the log is set by `gateway.log`"),
    valued("ciphers", "TLS cipher suites are those of rustls"),
    valued("loop", SERVER),
    valued("max-requests-before-restart", RESTART),
    valued("max-requests-before-restart-jitter", RESTART),
    valued("limit-concurrency", "calls in flight are not limited"),
    valued(
        "prometheus-metrics-port",
        "metrics are at `/metrics` of the gateway's own port",
    ),
    valued("timeout-worker-healthcheck", RESTART),
    flag("use-queue", "calls are not queued"),
    valued("num-requests", "this was the number of calls of `--test`"),
    flag("test-async", "this was a variant of `--test`"),
    flag("use-prisma-db-push", DATABASE),
    flag("use-prisma-migrate", DATABASE),
    flag("skip-db-migration-check", DATABASE),
    flag("enforce-prisma-migration-check", DATABASE),
    flag("use-v2-migration-resolver", DATABASE),
    flag("iam-token-db-auth", DATABASE),
    flag("azure-postgresql-auth", DATABASE),
    flag("skip-server-startup", "the server starts all the same"),
    flag("local", "there is no development mode"),
    flag("reload", "a changed file is taken anyway"),
    flag("save", "flags are not saved to a file"),
    valued("alias", "use `router_settings.model_group_alias`"),
    valued("add-key", "put it under litellm_params of a deployment"),
    valued("headers", "use `extra_headers` of a deployment"),
    valued("temperature", REQUEST),
    valued("max-tokens", REQUEST),
    flag(
        "drop-params",
        "parameters that the model does not support are sent on",
    ),
    flag(
        "add-function-to-prompt",
        "functions are never written into prompts",
    ),
    valued("max-budget", "spend is not limited"),
    valued("telemetry", "nothing is ever reported to anybody"),
];
