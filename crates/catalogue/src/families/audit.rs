//! `audit`: who did what.

use crate::define::messages;
use crate::field::Object;
use crate::word::words;

words! {
    /// What was done to data.
    @open DataAction { Create "create", Update "update", Delete "delete", Read "read" }
    /// What an administrator did.
    AdminActionKind {
        UserCreated "user_created", UserDeleted "user_deleted", PermissionsChanged "permissions_changed",
        ConfigUpdated "config_updated",
    }
    /// What a rule demanded.
    ComplianceKind {
        DataRetention "data_retention", DataExport "data_export", DataDeletion "data_deletion",
        PolicyViolation "policy_violation",
    }
}

messages! {
    /// Data was created, changed, deleted or read.
    DataChange "data_change" in Audit on "data_changes" by node reads session_into_metadata {
        required {
            /// Who did it.
            user_id: String => "user_1",
            /// To what kind of thing.
            resource_type: String => "subscription",
            /// To which one.
            resource_id: String as "resource" => "subscription_123",
            /// What was done. Other words are allowed: `delete_subscription` says more than `delete`.
            action: DataAction,
        }
        default {
            /// Before and after.
            changes: Object = Object::new() => {"name": ["old", "new"]},
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
        }
    }

    /// An administrator did something.
    AdminAction "admin_action" in Audit on "admin_actions" by node {
        required {
            /// Who.
            admin_user_id: String => "admin_1",
            /// What.
            action_type: AdminActionKind,
            /// To what.
            target_resource: String => "user_7",
        }
        default {
            /// Whatever there is to say.
            details: Object = Object::new(),
        }
        optional {
            /// Why.
            justification: String => "left the company",
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
        }
    }

    /// Somebody has used something.
    AccessLog "access_log" in Audit on "access_logs" by node {
        required {
            /// Who.
            user_id: String => "user_1",
            /// What kind of thing.
            resource_type: String => "stream",
            /// Which one.
            resource_id: String as "resource" => "stream_7",
            /// What was done.
            action: String => "read",
            /// Whether it succeeded.
            success: bool,
        }
        optional {
            /// How long it took, in milliseconds.
            duration_ms: u64 => 3,
            /// From where.
            source_ip: String as "ip_address" => "192.0.2.7",
            /// With what program.
            user_agent: String => "curl/7.68.0",
        }
    }

    /// A rule demanded something, and it was done.
    ComplianceEvent "compliance_event" in Audit on "compliance" by node {
        required {
            /// What was demanded.
            event_type: ComplianceKind,
            /// By which rule.
            compliance_rule: String => "GDPR-17",
            /// On which data.
            affected_data: Object => {"stream": "user_1"},
            /// What was done.
            action_taken: String => "deleted",
        }
        default {
            /// Whether a machine did it by itself.
            automated: bool = false,
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// Whose data.
            user_id: String => "user_1",
        }
    }
}

/// The session of the architecture page's `audit_event` belongs to the metadata.
fn session_into_metadata(map: &mut Object) {
    let Some(session) = map.get("session_id").filter(|session| session.is_string()).cloned() else {
        return;
    };
    if let Some(metadata) = super::object(map, "metadata") {
        metadata.entry("session_id").or_insert(session);
        map.remove("session_id");
    }
}
