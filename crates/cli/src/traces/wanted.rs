//! What the variables of OpenTelemetry ask for.

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// The first that is set counts.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const DISABLED: &str = "OTEL_SDK_DISABLED";
/// Set by whoever expects traces, though they ask for no export by themselves.
const DESCRIBING: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];

const PROTOCOL: &str = "http/protobuf";

/// Whether traces are to be exported.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nobody speaks of it.
    Nothing,
    /// It is spoken of, and not wanted.
    No {
        /// What says so.
        why: &'static str,
    },
    /// To a collector.
    Export,
}

/// A variable has a value that cannot be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WantedError {
    #[error(
        "{variable} is `{given}`, but this program exports traces as {PROTOCOL} only: collectors take that on port 4318"
    )]
    Protocol { variable: &'static str, given: String },
    #[error(
        "{variable} is `{given}`; it must be an address such as http://127.0.0.1:4318 or https://collector.example"
    )]
    Endpoint { variable: &'static str, given: String },
    #[error("{EXPORTER} is `{given}`; this program knows `otlp` and `none`")]
    Exporter { given: String },
}

impl Wanted {
    /// By the variables, of which an empty one is as none.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WantedError> {
        let value = |name: &str| {
            variable(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        if value(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self::No {
                why: "OTEL_SDK_DISABLED is true",
            });
        }
        let endpoint = ENDPOINTS.into_iter().find_map(|name| Some((name, value(name)?)));
        match value(EXPORTER).as_deref() {
            Some("none") => {
                return Ok(Self::No {
                    why: "OTEL_TRACES_EXPORTER is none",
                });
            }
            None if endpoint.is_none() => {
                let is_described = DESCRIBING.into_iter().any(|name| value(name).is_some());
                return Ok(match is_described {
                    true => Self::No {
                        why: "OTEL_EXPORTER_OTLP_ENDPOINT is not set",
                    },
                    false => Self::Nothing,
                });
            }
            Some("otlp") | None => {}
            Some(given) => {
                return Err(WantedError::Exporter {
                    given: given.to_owned(),
                });
            }
        }
        if let Some((variable, given)) = endpoint
            && !["http://", "https://"].iter().any(|scheme| given.starts_with(scheme))
        {
            return Err(WantedError::Endpoint { variable, given });
        }
        let mut protocols = PROTOCOLS.into_iter().filter_map(|name| Some((name, value(name)?)));
        match protocols.next() {
            Some((variable, given)) if given != PROTOCOL => Err(WantedError::Protocol { variable, given }),
            _ => Ok(Self::Export),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(variables: &[(&str, &str)]) -> Result<Wanted, String> {
        let variable = |name: &str| {
            let mut found = variables.iter().filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| (*value).to_owned())
        };
        Wanted::of(variable).map_err(|err| err.to_string())
    }

    #[test]
    fn an_endpoint_or_the_exporters_name_asks_for_it() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        for variables in [
            &[endpoint][..],
            &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/v1/traces")],
            &[("OTEL_TRACES_EXPORTER", "otlp")],
            &[
                endpoint,
                ("OTEL_SDK_DISABLED", "false"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ],
            &[
                endpoint,
                ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ],
        ] {
            assert_eq!(wanted(variables), Ok(Wanted::Export), "{variables:?}");
        }
        assert_eq!(wanted(&[]), Ok(Wanted::Nothing));
        assert_eq!(
            wanted(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " "), ("PATH", "x")]),
            Ok(Wanted::Nothing)
        );
        for (variables, why) in [
            (
                &[endpoint, ("OTEL_SDK_DISABLED", "TRUE")][..],
                "OTEL_SDK_DISABLED is true",
            ),
            (
                &[endpoint, ("OTEL_TRACES_EXPORTER", "none")],
                "OTEL_TRACES_EXPORTER is none",
            ),
            (&[("OTEL_SERVICE_NAME", "x")], "OTEL_EXPORTER_OTLP_ENDPOINT is not set"),
        ] {
            assert_eq!(wanted(variables), Ok(Wanted::No { why }));
        }
    }

    #[test]
    fn what_this_program_does_not_speak_is_named() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
        let err = wanted(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert!(
            err.starts_with("OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`") && err.contains("4318"),
            "{err}"
        );
        let err = wanted(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]).unwrap_err();
        assert!(
            err.contains("`localhost:4318`; it must be an address such as http://"),
            "{err}"
        );
        let err = wanted(&[("OTEL_TRACES_EXPORTER", "zipkin")]).unwrap_err();
        assert!(err.contains("`zipkin`; this program knows `otlp`"), "{err}");
    }
}
