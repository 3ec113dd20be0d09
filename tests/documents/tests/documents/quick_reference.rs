//! "ExESDB PubSub Quick Reference".

mod quick_setup;

mod broadcasting_events;

mod subscribing_to_events;

mod message_validation;

mod pub_sub_instances_reference;

mod common_message_patterns;

mod troubleshooting;

mod performance_tips;
