//! How a subcommand reaches a node: the address, and the token where there is one.

use crate::output::Failure;
use rc_client::{Address, Client, ClientError, Token};
use std::path::PathBuf;

/// Where the token comes from.
#[derive(clap::Args)]
pub struct Access {
    /// A file (mode 0600) with the node's token. Without it RECURRENT_TOKEN counts, or the file that a node on this machine leaves in
    /// the user's configuration.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A client for the node at an address.
pub fn client(url: &str, access: &Access) -> Result<Client, Failure> {
    let address = Address::parse(url).map_err(Failure::new)?;
    let token = Token::find(&address, access.token_file.as_deref()).map_err(Failure::new)?;
    Ok(Client::new(address, token))
}

/// A refusal as the user reads it: one for the token's sake says where the token came from, and the way out.
pub fn told(client: &Client, error: &ClientError) -> String {
    match (error, client.token_place()) {
        (ClientError::Problem(problem), Some(place)) if problem.status == 401 => format!(
            "{error}\nthe token came from {place}; name the node's own with --token-file DATA/token"
        ),
        (ClientError::Problem(problem), None) if problem.status == 401 => {
            format!("{error}\nno token was found; name the node's with --token-file DATA/token")
        }
        _ => error.to_string(),
    }
}
