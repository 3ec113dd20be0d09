//! "ExESDB PubSub Quick Reference".

mod broadcasting_events;
mod common_message_patterns;
mod message_validation;
mod performance_tips;
mod pub_sub_instances_reference;
mod quick_setup;
mod subscribing_to_events;
mod troubleshooting;
