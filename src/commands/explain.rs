//! `mcpsec explain [RULE|CHECK]`: what a rule or a check means, why it matters, what to do about it.
use mcpsec_audit::explain;
use mcpsec_model::{check::Check, finding::Rule, text::Untrusted};

use crate::{cli::ExplainArgs, error::CommandError, exit::Code, ui};

pub(super) fn run(args: &ExplainArgs) -> Result<Code, CommandError> {
    let text = match &args.id {
        None => list(),
        Some(id) => one(id)?,
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

fn list() -> String {
    let mut out = String::from("checks\n");
    for check in Check::ALL {
        out.push_str(&format!("  {:<22} {}\n", check.id(), check.meaning()));
    }
    out.push_str("\nrules\n");
    for rule in Rule::ALL {
        out.push_str(&format!("  {:<22} {:<7} {}\n", rule.id(), rule.severity(), rule.meaning()));
    }
    out
}

fn one(id: &str) -> Result<String, CommandError> {
    let rule = Rule::ALL.iter().find(|rule| rule.id() == id);
    let check = Check::ALL.iter().find(|check| check.id() == id);
    let (title, told) = match (rule, check) {
        (Some(rule), _) => (format!("rule {} ({})", rule.id(), rule.severity()), explain::rule(*rule)),
        (None, Some(check)) => (format!("check {}", check.id()), explain::check(*check)),
        (None, None) => {
            let id = Untrusted::new(id).excerpt(60);
            return Err(
                CommandError::usage(format!("there is no rule or check `{id}`")).hint("mcpsec explain lists them all")
            );
        }
    };
    let mut out =
        format!("{title}\n\n{}\n\nwhy it matters: {}\n\nwhat to do: {}\n", told.means, told.why, told.resolve);
    if !told.example.is_empty() {
        out.push_str(&format!("\nexample: {}\n", told.example));
    }
    Ok(out)
}
