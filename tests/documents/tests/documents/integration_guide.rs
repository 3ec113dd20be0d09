//! "ExESDB PubSub Integration with ExESDBGater".

pub(crate) mod ex_esdb_gater_message_system;

mod integration_helper_module;

mod core_integration_points;

mod configuration;

mod subscription_examples;

mod message_validation;

mod performance_considerations;

mod troubleshooting;
