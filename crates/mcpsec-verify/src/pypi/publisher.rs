//! The index's record of the trusted publisher, held against the certificate.
//!
//! The record is unsigned: the index says which of its trusted publishers uploaded the file, the certificate says who signed. Each
//! kind of publisher has one OIDC issuer and its own claims; both sides have to name the same repository and workflow. A kind that
//! is not known here cannot be compared and is refused.
use mcpsec_model::{evidence::SignerIdentity, text::Untrusted};
use serde_json::{Map, Value};

/// Longest value of a record, in bytes.
const MAX_VALUE: usize = 1024;

/// A publisher record, by kind. The kind is matched without regard to case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Publisher {
    /// A workflow file of a repository. The environment is in no certificate, and so not compared.
    GitHub { repository: String, workflow: String },
    /// A pipeline file of a project on the public instance. Its environment is not compared either.
    GitLab { repository: String, workflow_filepath: String },
    /// A service account.
    Google { email: String },
    /// A pipeline definition of a project; origin and ref where the record has them.
    CircleCi { project_id: String, pipeline_definition_id: String, vcs_origin: Option<String>, vcs_ref: Option<String> },
    /// A project of an organization.
    ActiveState { organization: String, project: String },
}

/// Why a publisher record was refused. Values are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublisherError {
    /// The record does not have what its kind has.
    #[error("publisher record without a usable `{0}`")]
    Record(&'static str),
    /// A kind of publisher that is not known here.
    #[error("publisher of the unsupported kind {0}")]
    Unsupported(String),
    /// The record and the certificate differ.
    #[error("the index says {claim} {record}, the certificate says {certificate}")]
    Differs {
        /// `issuer`, `repository`, `workflow`, `ref` or `subject`.
        claim: &'static str,
        /// What the index's record says, in the certificate's terms.
        record: String,
        /// What the certificate says, or `nothing`.
        certificate: String,
    },
}

impl Publisher {
    /// Reads a record.
    pub(super) fn read(record: &Map<String, Value>) -> Result<Self, PublisherError> {
        let optional = |field: &'static str| match record.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_VALUE => Ok(Some(text.clone())),
            Some(_) => Err(PublisherError::Record(field)),
        };
        let text = |field: &'static str| optional(field)?.ok_or(PublisherError::Record(field));
        let kind = text("kind")?;
        Ok(match kind.to_ascii_lowercase().as_str() {
            "github" => Self::GitHub { repository: text("repository")?, workflow: text("workflow")? },
            "gitlab" => Self::GitLab { repository: text("repository")?, workflow_filepath: text("workflow_filepath")? },
            "google" => Self::Google { email: text("email")? },
            "circleci" => Self::CircleCi {
                project_id: text("project_id")?,
                pipeline_definition_id: text("pipeline_definition_id")?,
                vcs_origin: optional("vcs_origin")?,
                vcs_ref: optional("vcs_ref")?,
            },
            "activestate" => Self::ActiveState {
                organization: text("organization")?,
                project: match optional("project")? {
                    Some(project) => project,
                    None => text("activestate_project_name")?,
                },
            },
            _ => return Err(PublisherError::Unsupported(shown(&kind))),
        })
    }

    /// The OIDC issuer whose tokens publishers of this kind have.
    fn issuer(&self) -> &'static str {
        match self {
            Self::GitHub { .. } => "https://token.actions.githubusercontent.com",
            Self::GitLab { .. } => "https://gitlab.com",
            Self::Google { .. } => "https://accounts.google.com",
            Self::CircleCi { .. } => "https://oidc.circleci.com",
            Self::ActiveState { .. } => "https://platform.activestate.com/api/v1/oauth/oidc",
        }
    }

    /// Demands that the certificate is this publisher's.
    pub(super) fn demand(&self, identity: &SignerIdentity) -> Result<(), PublisherError> {
        demand("issuer", self.issuer(), Some(&identity.issuer))?;
        let repository = identity.repository.as_deref();
        match self {
            Self::GitHub { repository: slug, workflow } => {
                let expected = format!("https://github.com/{slug}");
                demand("repository", &expected, repository)?;
                let expected = format!("{expected}/.github/workflows/{workflow}");
                // The workflow that was started; a reusable one that signs for it may be anybody's.
                demand("workflow", &expected, identity.build_config.as_deref())
            }
            Self::GitLab { repository: path, workflow_filepath } => {
                let expected = format!("https://gitlab.com/{path}");
                demand("repository", &expected, repository)?;
                demand("workflow", &format!("{expected}//{workflow_filepath}"), identity.build_config.as_deref())
            }
            Self::Google { email } => demand("subject", email, Some(&identity.subject)),
            Self::CircleCi { project_id, pipeline_definition_id, vcs_origin, vcs_ref } => {
                let expected = format!(
                    "https://circleci.com/api/v2/projects/{project_id}/pipeline-definitions/{pipeline_definition_id}"
                );
                demand("workflow", &expected, identity.workflow.as_deref())?;
                if let Some(origin) = vcs_origin {
                    // Both sides are without a scheme today; a URL on one of them says nothing else.
                    let bare = |text: &str| text.strip_prefix("https://").unwrap_or(text).to_owned();
                    demand("repository", &bare(origin), repository.map(bare).as_deref())?;
                }
                match vcs_ref {
                    Some(reference) => demand("ref", reference, identity.reference.as_deref()),
                    None => Ok(()),
                }
            }
            Self::ActiveState { organization, project } => {
                // No certificate of this issuer is on record. Its token's subject and the project's page are the two forms that
                // its documentation has; anything else is refused.
                let page = format!("https://platform.activestate.com/{organization}/{project}");
                if repository == Some(page.as_str()) || identity.subject == page {
                    return Ok(());
                }
                demand("subject", &format!("org:{organization}:project:{project}"), Some(&identity.subject))
            }
        }
    }
}

fn demand(claim: &'static str, record: &str, certificate: Option<&str>) -> Result<(), PublisherError> {
    if certificate == Some(record) {
        return Ok(());
    }
    let certificate = certificate.map_or_else(|| "nothing".to_owned(), shown);
    Err(PublisherError::Differs { claim, record: shown(record), certificate })
}

fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(160)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The only kind without a recorded attestation.
    #[test]
    fn an_activestate_project_is_known_by_subject_or_page() {
        let record = json!({ "kind": "ActiveState", "organization": "o", "project": "p" });
        let publisher = Publisher::read(record.as_object().expect("a record")).expect("known");
        let signed = |subject: &str, repository: Option<&str>| {
            publisher.demand(&SignerIdentity {
                issuer: publisher.issuer().into(),
                subject: subject.into(),
                repository: repository.map(str::to_owned),
                ..SignerIdentity::default()
            })
        };
        let page = "https://platform.activestate.com/o/p";
        assert_eq!(signed("org:o:project:p", None), Ok(()));
        assert_eq!(signed(page, None), Ok(()));
        assert_eq!(signed("other", Some(page)), Ok(()));
        for subject in ["org:o:project:p2", "org:o2:project:p", "https://platform.activestate.com/o/p/", ""] {
            let refused = signed(subject, Some("https://platform.activestate.com/o/p2"));
            assert!(matches!(refused, Err(PublisherError::Differs { claim: "subject", .. })), "{subject}: {refused:?}");
        }
    }
}
