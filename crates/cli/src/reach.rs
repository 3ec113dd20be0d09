//! Which node is talked to, and as whom: from flags, the environment, a context or the default, in this order.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bellwether_client::{CallError, Client, ConnectError, NodeAddress, Options, PublishError, RequestError};
use bellwether_client::{StreamError, SubscribeError};

use crate::contexts::{Context, ContextName, Contexts};
use crate::failure::Failure;

const NODE: &str = "BELLWETHER_NODE";
const TOKEN: &str = "BELLWETHER_TOKEN";
const TOKEN_FILE: &str = "BELLWETHER_TOKEN_FILE";
const CA: &str = "BELLWETHER_CA";
const CONTEXT: &str = "BELLWETHER_CONTEXT";

/// What was typed of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) node: Option<NodeAddress>,
    pub(crate) identity: Option<Identity>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) context: Option<ContextName>,
}

/// Who we say we are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    Token(String),
    File(PathBuf),
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// What everything together means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) node: NodeAddress,
    pub(crate) identity: Option<Identity>,
    pub(crate) ca: Option<PathBuf>,
}

impl Reach {
    /// Connects, once.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(self.target()?.connect().await?)
    }

    /// The same, for a call that may take this long to be answered.
    pub(crate) async fn connect_for(&self, longest: Duration) -> Result<Client, Failure> {
        let target = self.target()?;
        let options = target.options().answer_timeout(longest);
        Ok(options.connect(&target.node).await?)
    }

    fn target(&self) -> Result<Target, Failure> {
        self.resolve(
            |name| std::env::var_os(name).and_then(|value| value.into_string().ok()),
            &Contexts::of_user,
        )
    }

    /// A context that is named by a flag stands above the environment. Of one that is not, nothing is used where the node
    /// is given otherwise: its token is for its own node.
    fn resolve(
        &self,
        environment: impl Fn(&str) -> Option<String>,
        contexts: &dyn Fn() -> Result<Contexts, Failure>,
    ) -> Result<Target, Failure> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let given = self.context.as_ref().map(|name| contexts()?.read(name)).transpose()?;
        let given = given.unwrap_or_default();
        let mut node = self.node.clone().or(given.node);
        let mut identity = self.identity.clone().or(given.identity);
        let mut ca = self.ca.clone().or(given.ca);
        if node.is_none() {
            node = match environment(NODE) {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .with_context(|| format!("{NODE} is wrong"))
                        .map_err(Failure::Usage)?,
                ),
            };
        }
        let usual = match node {
            Some(_) => Context::default(),
            None => usual_context(environment(CONTEXT), contexts)?,
        };
        let from_environment = environment(TOKEN)
            .map(Identity::Token)
            .or_else(|| environment(TOKEN_FILE).map(|file| Identity::File(file.into())));
        identity = identity.or(from_environment).or(usual.identity);
        ca = ca.or_else(|| environment(CA).map(PathBuf::from)).or(usual.ca);
        Ok(Target {
            node: node.or(usual.node).unwrap_or_default(),
            identity,
            ca,
        })
    }
}

/// The context that the environment names, or the selected one, if any.
fn usual_context(named: Option<String>, contexts: &dyn Fn() -> Result<Contexts, Failure>) -> Result<Context, Failure> {
    let name = match named {
        Some(name) => Some(
            name.parse()
                .with_context(|| format!("{CONTEXT} is wrong"))
                .map_err(Failure::Usage)?,
        ),
        // Without a home there are none, and nothing is amiss.
        None => contexts()
            .ok()
            .map(|contexts| contexts.selected())
            .transpose()?
            .flatten(),
    };
    match name {
        Some(name) => contexts()?.read(&name),
        None => Ok(Context::default()),
    }
}

impl Target {
    pub(crate) async fn connect(&self) -> Result<Client, ConnectError> {
        self.options().connect(&self.node).await
    }

    fn options(&self) -> Options {
        let options = match &self.identity {
            None => Client::options(),
            Some(Identity::Token(token)) => Client::options().token(token),
            Some(Identity::File(path)) => Client::options().token_file(path),
        };
        match &self.ca {
            None => options,
            Some(path) => options.ca_file(path),
        }
    }
}

impl From<CallError> for Failure {
    fn from(err: CallError) -> Self {
        let words = err.to_string();
        match err {
            CallError::Unreachable { .. } => Self::with_hint(
                words,
                "Is one running? Start it with `bellwether start`, or name another with --node.",
            ),
            _ => Self::new(words),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(err: ConnectError) -> Self {
        match err {
            ConnectError::Call { source } => source.into(),
            err => anyhow::Error::new(err).into(),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(err: PublishError) -> Self {
        match err {
            PublishError::NotPublished { source } | PublishError::Ambiguous { source } => source.into(),
            err => anyhow::Error::new(err).into(),
        }
    }
}

impl From<SubscribeError> for Failure {
    fn from(err: SubscribeError) -> Self {
        match err {
            SubscribeError::Call { source } => source.into(),
            err => anyhow::Error::new(err).into(),
        }
    }
}

impl From<StreamError> for Failure {
    fn from(err: StreamError) -> Self {
        match err {
            StreamError::NotResumed { source } => source.into(),
            err => anyhow::Error::new(err).into(),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(err: RequestError) -> Self {
        match err {
            RequestError::Inbox { source } => source.into(),
            RequestError::Publish { source } => source.into(),
            err => anyhow::Error::new(err).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Option<NodeAddress> {
        Some(text.parse().unwrap())
    }

    fn token(text: &str) -> Option<Identity> {
        Some(Identity::Token(text.to_owned()))
    }

    /// `given` with this environment, where the contexts `prod` and `test` exist and `test` is selected.
    fn resolved(given: &Reach, environment: &[(&str, &str)]) -> Target {
        let folder = tempfile::tempdir().unwrap();
        let contexts = || Ok(Contexts::at(folder.path().to_owned()));
        for name in ["prod", "test"] {
            let context = Context {
                node: node(&format!("https://{name}.example")),
                identity: token(&format!("{name}-token")),
                ca: Some(format!("/{name}.pem").into()),
                description: None,
            };
            let name = name.parse().unwrap();
            Contexts::at(folder.path().to_owned()).add(&name, &context).unwrap();
        }
        Contexts::at(folder.path().to_owned())
            .select(&"test".parse().unwrap())
            .unwrap();
        let environment = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        given.resolve(environment, &contexts).unwrap()
    }

    fn shown(target: &Target) -> (String, Option<String>) {
        let identity = target.identity.as_ref().map(|identity| match identity {
            Identity::Token(token) => token.clone(),
            Identity::File(path) => path.display().to_string(),
        });
        (target.node.to_string(), identity)
    }

    #[test]
    fn flags_stand_above_the_environment_above_the_context_above_the_default() {
        let typed = |reach: &Reach, environment: &[(&str, &str)]| shown(&resolved(reach, environment));
        let nothing = Reach::default();
        let test = ("https://test.example:7480".to_owned(), Some("test-token".to_owned()));
        let prod = ("https://prod.example:7480".to_owned(), Some("prod-token".to_owned()));
        assert_eq!(typed(&nothing, &[]), test);
        assert_eq!(typed(&nothing, &[(CONTEXT, "prod")]), prod);
        assert_eq!(typed(&nothing, &[(NODE, ""), (CONTEXT, "prod")]), prod);
        // The token of a context goes to no other node.
        let elsewhere = ("http://127.0.0.2:7480".to_owned(), None);
        assert_eq!(
            typed(&nothing, &[(NODE, "http://127.0.0.2"), (CONTEXT, "prod")]),
            elsewhere
        );
        let flag = Reach {
            node: node("http://127.0.0.3"),
            ..Reach::default()
        };
        assert_eq!(
            typed(&flag, &[(NODE, "http://127.0.0.2"), (TOKEN, "env")]),
            ("http://127.0.0.3:7480".to_owned(), Some("env".to_owned()))
        );
        let named = Reach {
            context: Some("prod".parse().unwrap()),
            ..Reach::default()
        };
        assert_eq!(
            typed(&named, &[(NODE, "http://127.0.0.2"), (TOKEN, "env"), (CONTEXT, "test")]),
            prod
        );
        let both = Reach {
            identity: token("flag"),
            node: node("http://127.0.0.3"),
            ..named
        };
        assert_eq!(
            typed(&both, &[]),
            ("http://127.0.0.3:7480".to_owned(), Some("flag".to_owned()))
        );
        assert_eq!(
            typed(&nothing, &[(TOKEN_FILE, "/f")]),
            ("https://test.example:7480".to_owned(), Some("/f".to_owned()))
        );
    }

    #[test]
    fn without_anything_it_is_the_node_of_this_host() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = || Ok(Contexts::at(folder.path().to_owned()));
        let target = Reach::default().resolve(|_| None, &contexts).unwrap();
        assert_eq!(target, Target::default());
        assert_eq!(target.node.to_string(), "http://127.0.0.1:7480");
        let homeless = || Err(Failure::new("no home"));
        assert_eq!(
            Reach::default().resolve(|_| None, &homeless).unwrap(),
            Target::default()
        );
    }

    #[test]
    fn a_wrong_environment_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = || Ok(Contexts::at(folder.path().to_owned()));
        for name in [NODE, CONTEXT] {
            let environment = |asked: &str| (asked == name).then(|| "a/b c".to_owned());
            let Err(Failure::Usage(err)) = Reach::default().resolve(environment, &contexts) else {
                panic!("{name}")
            };
            assert!(format!("{err:#}").contains(name), "{err:#}");
        }
    }

    #[test]
    fn no_token_is_shown() {
        assert!(!format!("{:?}", token("s3cret")).contains("s3cret"));
    }
}
