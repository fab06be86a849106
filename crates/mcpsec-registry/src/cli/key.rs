//! `mcpsec-registry key`.
use mcpsec_model::approval::head::Origin;

use super::{Failure, database, say};
use crate::{config::Config, db::entries, log};

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let db = database(config).await?;
    let origin: Origin = config.origin.parse().map_err(Failure::new)?;
    let known = entries::log(&db).await.map_err(Failure::new)?.key;
    let signer = log::load(config, origin, known.is_empty()).map_err(Failure::new)?;
    let own = signer.key().to_string();
    if !known.is_empty() && known != own {
        return Err(Failure::new(
            "the log in the database is signed by another key; give the one it had with `--log-key`",
        ));
    }
    say(&format!("{own}\n"))
}
