//! `rcc call`: one call, or with `--file` as many as a file has lines. Always true: the result goes to standard output
//! as JSON; a failure of the command is told with its code and fields, and the exit code is 1.

use crate::bulk;
use crate::node::{self, Access};
use crate::output::{Failure, say};
use rc_client::{Caller, ClientError};
use std::path::PathBuf;

/// Calls a command or query of a node.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc call http://127.0.0.1:7070 ledger.pay '{\"from\": 1, \"to\": 2, \"amount\": 30}'\n  \
    rcc call http://127.0.0.1:7070 ledger.mint '{\"to\": 1, \"amount\": 100}' --role treasurer\n  \
    rcc call http://127.0.0.1:7070 ledger.pay --file payments.ndjson --jobs 2\n  \
    rcc call http://127.0.0.1:7070 ledger.pay --grpc --file payments.ndjson --key march\n  \
    generate | rcc call http://127.0.0.1:7070 ledger.pay --grpc --file -"
)]
pub struct Arguments {
    /// The node's address.
    url: String,
    /// What to call: PACKAGE.COMMAND or PACKAGE.COMMAND@VERSION.
    command: String,
    /// The arguments, a JSON object.
    #[arg(default_value = "{}")]
    arguments: String,
    /// A role to call with; may be given more than once. Needs the node's token.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The caller's id. Needs the node's token.
    #[arg(long, value_name = "N")]
    caller: Option<u64>,
    /// An idempotency key: the same call with the same key runs once. With --file the name of a client, whose calls the
    /// lines are; a run that was cut short can then be repeated.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Call once per line of this file (NDJSON; `-` is standard input).
    #[arg(long, value_name = "FILE", conflicts_with = "arguments")]
    file: Option<PathBuf>,
    /// Connections that send groups of lines at once; with more than one, groups run in no fixed order.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64), requires = "file")]
    jobs: u32,
    /// Send the file over gRPC: each connection is one stream, with a bounded number of calls in flight. The types of the arguments are
    /// learned from the node; one version of the command is called from the first line to the last.
    #[arg(long, requires = "file")]
    grpc: bool,
    #[command(flatten)]
    access: Access,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some((package, command)) = arguments.command.split_once('.') else {
        return Err(Failure::new(format!(
            "`{}` is not PACKAGE.COMMAND",
            arguments.command
        )));
    };
    let client = node::client(&arguments.url, &arguments.access)?;
    let caller = Caller {
        id: arguments.caller,
        roles: arguments.roles.clone(),
    };
    if (caller.id.is_some() || !caller.roles.is_empty()) && !client.has_token() {
        return Err(Failure::new(
            "--role and --caller need the node's token, and none was found; name it with --token-file DATA/token",
        ));
    }
    if let Some(file) = &arguments.file {
        let work = bulk::Work {
            client,
            package,
            command,
            caller,
            key: arguments.key.as_deref(),
            jobs: arguments.jobs,
            grpc: arguments.grpc,
        };
        return bulk::run(&work, file);
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&arguments.arguments) {
        return Err(Failure::new(format!("the arguments are not JSON: {error}")));
    }
    match client.call(
        package,
        command,
        &arguments.arguments,
        &caller,
        arguments.key.as_deref(),
    ) {
        Ok(answer) => {
            say(answer.result);
            Ok(())
        }
        Err(error) => {
            let field = match &error {
                ClientError::Problem(problem) => problem.field.as_ref(),
                _ => None,
            };
            let field = field.map_or_else(String::new, |field| format!(" (field {field})"));
            Err(Failure::new(format!(
                "{}{field}",
                node::told(&client, &error)
            )))
        }
    }
}
