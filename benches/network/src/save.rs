//! The row of `rcd dev`: a file of the package is saved; how long until the changed command is what a caller meets?

use crate::http_client::{Connection, head, write_request};
use crate::machine::spread;
use crate::service::{Ledger, get};
use crate::{Arguments, Fallible};
use std::fs;
use std::time::{Duration, Instant};

/// What a save may take before the program gives up on it.
const SAVE_MAX: Duration = Duration::from_secs(20);
/// The line of `pay` before which a check is put that grows with every save.
const PLACE: &str = "ensure from != to else SameAccount";

pub async fn run(arguments: &Arguments) -> Fallible<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-package-")
        .tempdir_in(&arguments.folder)?;
    for entry in fs::read_dir(&arguments.package)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
        }
    }
    let file = folder.path().join("ledger.rc");
    let source = fs::read_to_string(&file)?;
    let ledger = Ledger::serve(arguments, folder.path(), true).await?;
    let mut connection = Connection::open(ledger.port).await?;
    let mut sample = Vec::new();
    for save in 0..arguments.turns as u64 {
        let ceiling = 1_000_000 - save;
        let changed = source.replacen(
            PLACE,
            &format!("ensure amount <= {ceiling} else SameAccount\n    {PLACE}"),
            1,
        );
        if changed == source {
            return Err(format!("{} has no line `{PLACE}`", file.display()).into());
        }
        let epoch = epoch(&mut connection, ledger.port).await?;
        let start = Instant::now();
        fs::write(&file, format!("{changed}\n// save {save}\n"))?;
        while self::epoch(&mut connection, ledger.port).await? <= epoch {
            if start.elapsed() > SAVE_MAX {
                return Err(format!("save {save} is not served after {SAVE_MAX:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The new check answers: the amount is one above the ceiling, and there are no accounts.
        let mut request = Vec::new();
        let body = format!(
            "{{\"from\":\"1\",\"to\":\"2\",\"amount\":\"{}\"}}",
            ceiling + 1
        );
        write_request(
            &head(
                ledger.port,
                "POST",
                "/ledger/pay",
                "content-type: application/json\r\n",
            ),
            body.as_bytes(),
            &mut request,
        );
        let answer = connection.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body).into_owned();
        sample.push(start.elapsed().as_secs_f64() * 1e3);
        if !text.contains("SameAccount") {
            return Err(format!("after save {save} the old command answered: {text}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "\nsave to served: {} ms (to reach: below 1000)",
        spread(&sample, 0)
    );
    Ok(())
}

async fn epoch(connection: &mut Connection, port: u16) -> Fallible<u64> {
    let catalog = get(connection, port, "/catalog").await?;
    let digits = catalog
        .strip_prefix("{\"epoch\":")
        .and_then(|rest| rest.split(',').next());
    Ok(digits.ok_or("a catalog without an epoch")?.parse()?)
}
