//! `rcc deploy`: the plan first, then the deploy bound to it. Always true: what is deployed is what the plan was shown
//! for, or the node refuses; nothing is sent that does not compile here.

use crate::node::{self, Access};
use crate::output::{Failure, say};
use crate::package::{self, Built};
use rc_client::{Deployment, PackageFile};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Deploys a package to a node: shows what would change, asks, then does it.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc deploy examples/ledger --to http://127.0.0.1:7070\n  rcc deploy examples/ledger --to http://127.0.0.1:7070 --yes"
)]
pub struct Arguments {
    /// The package's folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The node's address.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Only show the plan.
    #[arg(long)]
    plan: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    access: Access,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let built = package::build(&arguments.path, false)?;
    let files = files(&built)?;
    let client = node::client(&arguments.to, &arguments.access)?;
    if !client.has_token() {
        let folder = rc_client::Token::folder().map_or_else(
            || "the user's configuration".to_owned(),
            |folder| folder.display().to_string(),
        );
        return Err(Failure::new(format!(
            "a deploy needs the node's token; none was found in --token-file, RECURRENT_TOKEN or {folder}"
        )));
    }
    let refused = |error| Failure::new(node::told(&client, &error));
    let plan = client.plan(&files).map_err(refused)?;
    show(&plan);
    let broken = plan
        .changes
        .iter()
        .filter(|change| change.kind == "broken")
        .count();
    if broken > 0 {
        return Err(Failure::new(format!(
            "{broken} broken: the node would refuse this; nothing was changed"
        )));
    }
    if arguments.plan {
        return Ok(());
    }
    if !arguments.yes && !confirmed()? {
        return Err(Failure::new("nothing was changed"));
    }
    let done = client.deploy(&files, plan.epoch).map_err(refused)?;
    match done.deployed {
        true => say(format!(
            "deployed {}: catalog version {}",
            done.package, done.epoch
        )),
        false => say(format!(
            "{} is deployed already: catalog version {}",
            done.package, done.epoch
        )),
    }
    Ok(())
}

fn show(plan: &Deployment) {
    say(format!(
        "plan for {} on catalog version {}:",
        plan.package, plan.epoch
    ));
    for change in &plan.changes {
        let sign = match change.kind.as_str() {
            "added" => '+',
            "changed" => '~',
            _ => '!',
        };
        say(format!("  {sign} {}", rc_diagnostics::clean(&change.text)));
    }
    if plan.changes.is_empty() {
        say("  no change that callers see");
    }
}

fn confirmed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            "nobody is there to ask; say --yes to deploy, or --plan to see the plan only",
        ));
    }
    eprint!("deploy this? [y/N] ");
    io::stderr().flush().map_err(Failure::new)?;
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::new)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Sources and manifest as they were compiled, those of the packages that it uses among them.
fn files(built: &Built) -> Result<Vec<PackageFile>, Failure> {
    let text = |(name, bytes): (&str, &[u8])| match String::from_utf8(bytes.to_vec()) {
        Ok(text) => Ok(PackageFile {
            name: name.to_owned(),
            text,
        }),
        Err(_) => Err(Failure::new(format!("{name} is not UTF-8"))),
    };
    built.package.texts().map(text).collect()
}
