//! "ExESDB PubSub Integration with ExESDBGater".

mod configuration;
mod core_integration_points;
pub(crate) mod ex_esdb_gater_message_system;
mod integration_helper_module;
mod message_validation;
mod performance_considerations;
mod subscription_examples;
mod troubleshooting;
