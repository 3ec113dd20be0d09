//! `security`: authentication, authorisation, threats.

use crate::define::messages;
use crate::field::Object;
use crate::word::words;

words! {
    /// What became of somebody's claim to be somebody.
    AuthEventKind {
        LoginSuccess "login_success", LoginFailure "login_failure" | "authentication_failure", Logout "logout",
        TokenRefresh "token_refresh",
    }
    /// How somebody proves who he is.
    AuthMethod { Password "password", Token "token", Certificate "certificate", Oauth "oauth" }
    /// What was not allowed.
    ViolationKind {
        UnauthorizedAccess "unauthorized_access", PermissionDenied "permission_denied",
        RateLimitExceeded "rate_limit_exceeded", InvalidToken "invalid_token",
    }
    /// How bad it is.
    Severity { Low "low", Medium "medium", High "high", Critical "critical" }
    /// What threatens.
    ThreatKind {
        BruteForce "brute_force", SuspiciousActivity "suspicious_activity", PolicyViolation "policy_violation",
        DataBreach "data_breach",
    }
    /// What became of a session.
    SessionEventKind { Created "created", Destroyed "destroyed", Expired "expired", Invalidated "invalidated" }
}

messages! {
    /// Somebody has proved who he is, or failed to, or left.
    AuthEvent "auth_event" in Security on "auth_events" by node {
        required {
            /// Who.
            user_id: String => "user_1",
            /// What happened.
            event_type: AuthEventKind,
            /// By what means.
            auth_method: AuthMethod,
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"attempt_count": 5},
        }
        optional {
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
            /// With what program.
            user_agent: String => "curl/7.68.0",
            /// Why.
            reason: String => "invalid_credentials",
        }
    }

    /// Somebody was not allowed to do what he tried.
    AccessViolation "access_violation" in Security on "access_violations" {
        required {
            /// What was not allowed.
            violation_type: ViolationKind => "permission_denied",
            /// On what.
            resource: String => "stream_7",
            /// What was tried.
            action: String => "delete",
        }
        default {
            /// How bad it is.
            severity: Severity = Severity::Medium => "medium",
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// Who, if known.
            user_id: String => "user_1",
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
        }
    }

    /// Something threatens.
    SecurityAlert "security_alert" in Security on "security_alerts" by node {
        required {
            /// What.
            alert_type: ThreatKind,
            /// How bad it is.
            severity: Severity => "high",
            /// In words.
            description: String => "5 failed logins in a minute",
        }
        default {
            /// Whom it concerns.
            affected_users: Vec<String> = Vec::<String>::new() => ["user_1"],
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
        }
    }

    /// A session begins or ends.
    SessionEvent "session_event" in Security on "session_events" by node {
        required {
            /// Which.
            session_id: String => "sess_abc123",
            /// Whose.
            user_id: String => "user_1",
            /// What happened.
            event_type: SessionEventKind,
        }
        optional {
            /// How long it lasted, in milliseconds, if it is over.
            duration_ms: u64 => 60_000,
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
        }
    }
}
